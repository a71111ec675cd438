"""Notes of what the code of a cell tried that no assignment asks for: for the teacher, never for the marks.

Python tells an audit hook what it is about to do. The hook keeps a word about it where the code of a cell asked for it
itself, or through the standard library: what NumPy or Keras do on their own is not noted. Code that knows of the hook
can get round it, so a missing note proves nothing. What keeps a submission in its cell is `course.jail`.
"""

import builtins
import os
import sys
import sysconfig

STANDARD = sysconfig.get_path("stdlib")
NETWORK = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind", "socket.getaddrinfo")
PROCESSES = ("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system", "subprocess.Popen")
REMOVALS = ("os.remove", "os.rmdir", "shutil.rmtree", "os.rename", "os.truncate")
LOOKS = ("open", "os.listdir", "os.scandir")
MOST = 20


class Notes:
    """The notes of one submission: `words`, a list of str, each once."""

    def __init__(self, own):
        """Start to note. `own` are the folders in which a submission may do as it likes."""
        self.own, self.words, self.on = tuple(map(os.path.realpath, own)), [], False
        self._before = dict(vars(builtins))
        sys.addaudithook(self._hear)

    def add(self, word):
        """Keep a word."""
        if word not in self.words and len(self.words) < MOST:
            self.words.append(word)

    def close(self):
        """Note what of Python itself was exchanged, and stop."""
        self.on = False
        changed = [name for name, value in self._before.items() if vars(builtins).get(name) is not value]
        if changed := sorted(set(changed) - {"_", "display", "get_ipython", "exit", "quit", "__build_class__"}):
            self.add(f"exchanged {', '.join(changed)} of Python itself")

    def _hear(self, event, arguments):
        if not self.on:
            return
        if event in NETWORK and _asked_by_a_cell():
            self.add("tried to reach the network")
        elif event in PROCESSES and _asked_by_a_cell():
            self.add("started other processes")
        elif event in REMOVALS + LOOKS and arguments and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            fine = self.own if event in REMOVALS else (*self.own, sys.prefix, sys.base_prefix)
            if not path.startswith(fine) and _asked_by_a_cell():
                self.add(f"tried to {'delete' if event in REMOVALS else 'read'} {path[:80]}")


def _asked_by_a_cell():
    """Return whether the innermost code that is not the standard library's is a cell of the notebook."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<cell"):
            return True
        if not name.startswith(STANDARD) or "site-packages" in name:
            return False  # an import counts as none of these: it is `<frozen importlib>` that looks for the file
        frame = frame.f_back
    return False
