"""A machine that carries out the steps of a pickle that data need, and knows no others.

A pickle is a program. It may name any function of any installed package and call it with any argument; that is how
it rebuilds objects, and how a file of weights can delete a folder.

A short list of allowed names is not enough. Python's own unpickler lets a file change what it has built: an array that
is made with an allowed `dtype`, and then a `dtype` that is enlarged through its `__setstate__`, reads memory that
belongs to others, or crashes. What this machine builds are lists, dicts, numbers, strings, and *descriptions* of all
else, without a method that a file could reach. `Machine.walk` checks them when the file has ended, and only then do its
users make arrays of them. Depth, steps and sizes are capped.
"""

import pickle
import pickletools
import reprlib

MOST_STEPS = 300_000  # CIFAR-10's batches take 30,000 to 60,000 each
MOST_DEPTH = 100  # containers in containers
_MOST_PARTS = 32  # of a tuple: shapes, strides, arguments
_MOST_BITS = 128  # of an integer; the number that begins a checkpoint has 77

_AS_THEY_ARE = {"BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
_AS_THEY_ARE |= {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_STRINGS = {"BINSTRING", "SHORT_BINSTRING"}  # those of Python 2
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_NOTHING = {"PROTO", "FRAME", "STOP"}
_PUT = {"BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GET = {"BINGET", "LONG_BINGET"}
_PLAIN = (int, float, bool, str, bytes, type(None))
_MARK = object()


class Machine:
    """Carries out the steps of a pickle that data need.

    `names` is what a file may name: a dict from (module, name) to a text, or to a function of this reader, which
    the file may call; it returns something plain or a description, of the class `described`. `only` says in words what
    the file may hold.
    """

    names = {}
    described = type(None)
    only = "numbers and strings only"

    def persistent(self, identity):
        """Return the description that a persistent id stands for. Raises `UnpicklingError`: here none does."""
        raise pickle.UnpicklingError(f"it has the persistent id {brief(identity)}: {self.only}")

    def build(self, thing, state):
        """Complete the description `thing` by `state`. Raises `UnpicklingError`: here nothing can be completed."""
        raise pickle.UnpicklingError(f"it sets the state of {brief(thing)}: {self.only}")

    def run(self, stream, encoding="ascii"):
        """Read one pickle from a binary stream, which then stands behind it, and return what it describes.

        `encoding` is that of strings which Python 2 wrote, "bytes" to leave them as they are. Raises `UnpicklingError`
        for any step, name or size that is not allowed, and for a damaged file. `walk` has to check what comes back.
        """
        self.stack, self.memo, self.encoding = [], {}, encoding
        try:
            for steps, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
                if steps == MOST_STEPS:
                    raise pickle.UnpicklingError(f"it has more than {MOST_STEPS:,} steps")
                self._step(opcode.name, argument)
            (found,) = self.stack
        except pickle.UnpicklingError:
            raise
        except Exception as error:  # a damaged file can raise nearly anything: IndexError, UnicodeDecodeError, ...
            raise pickle.UnpicklingError(f"it is damaged: {type(error).__name__}: {brief(error)}") from error
        return found

    def _step(self, name, argument):
        stack = self.stack
        if name in _AS_THEY_ARE:
            if type(argument) is int and argument.bit_length() > _MOST_BITS:
                raise pickle.UnpicklingError(f"it has an integer of {argument.bit_length():,} bits")
            stack.append(argument)
        elif name in _STRINGS:
            content = argument.encode("latin-1")  # as pickletools has decoded it
            stack.append(content if self.encoding == "bytes" else content.decode(self.encoding))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _PUT:
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in _GET:
            stack.append(self.memo[argument])
        elif name == "GLOBAL":
            stack.append(self._named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack.append(self._named(*self._top(2)))
        elif name == "MARK":
            stack.append(_MARK)
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(self._tuple(self._marked() if name == "TUPLE" else self._top(int(name[-1]))))
        elif name in ("APPEND", "APPENDS"):
            self._append(self._marked() if name == "APPENDS" else self._top(1))
        elif name in ("SETITEM", "SETITEMS"):
            self._set(self._marked() if name == "SETITEMS" else self._top(2))
        elif name == "REDUCE":
            function, arguments = self._top(2)
            if not callable(function) or type(arguments) is not tuple:
                raise pickle.UnpicklingError(f"it calls {brief(function)} with {brief(arguments)}: {self.only}")
            stack.append(function(*arguments))
        elif name == "BUILD":
            (state,) = self._top(1)
            self.build(stack[-1], state)
        elif name == "POP":
            stack.pop()
        elif name == "BINPERSID":
            stack.append(self.persistent(stack.pop()))
        elif name not in _NOTHING:
            raise pickle.UnpicklingError(f"it has the step {name}, which is not allowed: {self.only}")

    def _named(self, module, name):
        key = (module, name)
        if not (type(module) is type(name) is str) or key not in self.names:
            wanted = f"{module}.{name}"[:200] if type(module) is type(name) is str else brief(key)
            raise pickle.UnpicklingError(f"it wants {wanted}, which is not allowed: {self.only}")
        return self.names[key]

    def _top(self, count):
        if len(self.stack) < count:
            raise IndexError("a step takes more than there is")
        parts = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        if any(part is _MARK for part in parts):
            raise IndexError("a step takes a mark for a value")
        return parts

    def _marked(self):
        parts = []
        while (part := self.stack.pop()) is not _MARK:
            parts.append(part)
        return parts[::-1]

    def _tuple(self, parts):
        inner = [part for part in parts if type(part) is tuple]
        if len(parts) > _MOST_PARTS or any(type(part) is tuple for one in inner for part in one):
            raise pickle.UnpicklingError(f"it has a tuple of {len(parts)} parts, or tuples three deep")
        return tuple(parts)

    def _append(self, parts):
        if type(self.stack[-1]) is not list:
            raise pickle.UnpicklingError(f"it appends to {brief(self.stack[-1])}, expected a list")
        self.stack[-1].extend(parts)

    def _set(self, parts):
        target = self.stack[-1]
        for key in parts[::2]:
            # Integers as large as one likes can have one hash, and a dict of them would take for ever.
            if type(key) not in (str, bytes, int) or (type(key) is int and key.bit_length() > 63):
                raise pickle.UnpicklingError(f"it has the key {brief(key)}, expected a string or a number")
        if type(target) is not dict or len(parts) % 2:
            raise pickle.UnpicklingError(f"it sets items of {brief(target)}, expected pairs for a dict")
        target.update(zip(parts[::2], parts[1::2], strict=True))

    def walk(self, root):
        """Yield (container, key, item) for all that the dicts and lists in a list hold, each container once.

        Raises `UnpicklingError` for a container that stands in two places or in itself, for too many inside each other,
        and for anything but plain values, tuples of them and descriptions.
        """
        seen, waiting = set(), [(root, 0)]
        while waiting:
            container, depth = waiting.pop()
            # One that stands in two places, or in itself, could be walked for ever.
            if id(container) in seen:
                raise pickle.UnpicklingError("a dict or list stands in the file twice")
            if depth > MOST_DEPTH:
                raise pickle.UnpicklingError(f"its dicts and lists are more than {MOST_DEPTH} deep")
            seen.add(id(container))
            for key, item in list(container.items() if isinstance(container, dict) else enumerate(container)):
                plain_tuple = type(item) is tuple and all(type(part) in _PLAIN for part in item)
                if not (plain_tuple or type(item) in (*_PLAIN, dict, list, self.described)):
                    raise pickle.UnpicklingError(f"it holds {brief(item)} under {brief(key)}: {self.only}")
                yield container, key, item
                if isinstance(item, dict | list):
                    waiting.append((item, depth + 1))


def brief(thing):
    """Return a short text for an error message: `repr` of lists within lists within lists may never end."""
    return "something it may call" if callable(thing) else reprlib.repr(thing)[:200]
