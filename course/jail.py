"""The cell of a submission on Linux: a process that sees no network, no other process, and only the files it needs.

Run as a script, `jail.py CONFIG`, with the standard library alone. It makes namespaces of its own (users, mounts,
processes, network), builds an empty file system in memory, binds what the submission may read into it, read-only, and
starts the submission there, with limits and without rights. The last thing that it does is to write what the submission
made to its standard output, which the submission does not have: one line of JSON, then the bytes of the file.
`course.isolation` starts it, reads that, and ends it from outside.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import resource
import signal
import stat
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, NEW_HOSTNAME, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NETWORK = (
    *(0x00020000, 0x04000000, 0x08000000),
    *(0x10000000, 0x20000000, 0x40000000),
)
BIND, RECURSIVE, PRIVATE, NO_SUID, NO_DEVICES, DETACH = 0x1000, 0x4000, 0x40000, 0x2, 0x4, 0x2
READ_ONLY, SET_RECURSIVELY = 0x1, 0x8000
SYS_MOUNT_SETATTR, SYS_PIVOT_ROOT = 442, {"x86_64": 155, "aarch64": 41}.get(os.uname().machine)
PARENT_DIES, NO_NEW_RIGHTS = 1, 38  # of prctl
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = ("bin", "lib", "lib32", "lib64", "sbin")


def call(name, *arguments):
    """Call a function of the C library; raise `OSError` where it fails."""
    packed = [os.fsencode(a) if isinstance(a, str | os.PathLike) else a for a in arguments]
    if getattr(LIBC, name)(*packed) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def mount(what, where, kind=None, flags=0, options=None):
    """Mount a file system, or bind a folder or a file to another place."""
    call("mount", what, where, kind, ctypes.c_ulong(flags), options)


def make_read_only(where, recursive=True):
    """Let nobody write below a mount, whatever its other properties are, which may not be changed."""
    attributes = (ctypes.c_uint64 * 4)(READ_ONLY | NO_SUID, 0, 0, 0)
    flags = SET_RECURSIVELY if recursive else 0
    place = ctypes.c_char_p(os.fsencode(where))
    call("syscall", SYS_MOUNT_SETATTR, -100, place, flags, ctypes.byref(attributes), ctypes.sizeof(attributes))


def end_with_parent():
    """Be killed when the process that started this one is gone."""
    call("prctl", PARENT_DIES, signal.SIGKILL, 0, 0, 0)


def enter_namespaces():
    """Leave the network, the mounts and the processes of this machine. An ordinary user needs a namespace of users."""
    user, group = os.getuid(), os.getgid()
    flags = NEW_MOUNTS | NEW_HOSTNAME | NEW_IPC | NEW_PIDS | NEW_NETWORK | (NEW_USER if user else 0)
    call("unshare", flags)
    if user:
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def bind(base, path, at=None):
    """Show a folder or a file of this machine below `base`, read-only, at its own path or at another."""
    source, target = pathlib.Path(path), base / (at or str(path)).lstrip("/")
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(source, target, None, BIND | RECURSIVE)
    make_read_only(target)


def memory(where, megabytes, mode="700"):
    """Mount an empty file system that lives in memory and holds no more than so much."""
    where.mkdir(parents=True, exist_ok=True)
    mount("tmpfs", where, "tmpfs", NO_SUID | NO_DEVICES, f"size={megabytes}m,mode={mode}".encode())


def build(config):
    """Build the file system of the submission and make it the root. Nothing else of this machine stays in reach."""
    base = pathlib.Path(config["base"])
    mount(None, "/", None, RECURSIVE | PRIVATE)
    memory(base, 4, "755")
    for path in config["read"]:
        bind(base, path)
    for path, at in config["place"].items():
        bind(base, path, at)
    for name in LINKS:  # links into /usr on most systems, folders on others
        path = pathlib.Path("/", name)
        if path.is_symlink():
            (base / name).symlink_to(os.readlink(path))
        elif path.is_dir():
            bind(base, path)
    for name in DEVICES:
        bind(base, f"/dev/{name}")
    memory(base / "dev/shm", config["scratch_mb"], "1777")
    memory(base / "scratch", config["scratch_mb"], "1777")
    memory(base / "made", config["made_mb"], "1777")
    if not (base / "tmp").exists():  # the book itself may lie below it
        (base / "tmp").symlink_to("scratch")
    (base / "proc").mkdir()
    mount("proc", base / "proc", "proc", NO_SUID | NO_DEVICES)
    (base / ".old").mkdir()
    call("syscall", SYS_PIVOT_ROOT, ctypes.c_char_p(os.fsencode(base)), ctypes.c_char_p(os.fsencode(base / ".old")))
    os.chdir("/")
    call("umount2", "/.old", DETACH)
    os.rmdir("/.old")
    make_read_only("/", recursive=False)
    os.chdir("/scratch")


def limit(limits):
    """Set the limits of this process; what it starts inherits them. `limits` is a dict from RLIMIT_... to a number."""
    for name, value in limits.items():
        number = getattr(resource, name, None)
        if number is not None:
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            later = value + 5 if name == "RLIMIT_CPU" else value  # first a signal with a name, then the end
            resource.setrlimit(number, (value, later if hard == resource.RLIM_INFINITY else min(later, hard)))


def start(config):
    """Start the submission in a process with limits, without rights, and without this one's output: its id."""
    child = os.fork()
    if child:
        return child
    try:
        silent = os.open("/dev/null", os.O_RDWR)
        for number in range(3):
            os.dup2(silent, number)
        os.closerange(3, 1024)
        limit(config["limits"])
        if os.getuid() == 0:  # limits on processes do not hold for root, and root could undo the mounts
            os.setgroups([])
            os.setresgid(*3 * [config["user"]])
            os.setresuid(*3 * [config["user"]])
        call("prctl", NO_NEW_RIGHTS, 1, 0, 0, 0)
        os.execve(config["command"][0], config["command"], config["environment"])  # the rights end here
    finally:
        os._exit(127)


def wait_for(child):
    """Wait until the submission ends, whatever it leaves behind, which is killed. Return its status."""
    while True:
        ended, status = os.wait()
        if ended == child:
            break
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # all processes of this namespace but this one
    return status


def hand_over(status, most):
    """Write the status, and what the submission made where it is a plain file that is not too large."""
    content = b""
    with contextlib.suppress(OSError):
        number = os.open("/made/made.npz", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        found = os.fstat(number)
        if stat.S_ISREG(found.st_mode) and found.st_size <= most:
            with open(number, "rb") as file:
                content = file.read(most)
    exit_code = os.waitstatus_to_exitcode(status)
    sys.stdout.buffer.write(json.dumps({"exit": exit_code}).encode() + b"\n" + content)
    sys.stdout.flush()


def main():
    """Play the outer process, which waits, and the first process of the namespace, which does the rest."""
    config = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    end_with_parent()
    if config["core"] is not None:
        os.sched_setaffinity(0, {config["core"]})
    enter_namespaces()
    first = os.fork()
    if first:
        return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    end_with_parent()
    # A signal without a handler cannot reach the first process from inside.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    build(config)
    hand_over(wait_for(start(config)), config["made_mb"] << 20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
