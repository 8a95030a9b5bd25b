"""How much is worked on at a time where nothing is held in caches."""

_LEAST = 256
_CPU_TILE = 256
_MAX_TILE = 2**16
_TILE_BYTES = 2**31  # of the workspace of a tile on an accelerator
_TRIES_AT_ONCE = 16  # there; of 65 536 items hardly one needs more


def at_a_time(num_items: int, tries: int) -> int:
    """Tries made side by side on an accelerator for so many items of one key: a power of two.

    One round is to find nearly all, `tries` for each, and a few items do not take the memory of
    many. It is a function of the items of one key, so that a block is computed alike beside however
    many others.
    """
    return max(_LEAST, power_of_two(tries * num_items))


def power_of_two(number: int) -> int:
    """The least power of two that is not below a number > 0."""
    return 1 << (number - 1).bit_length()


def programs_at_a_time(length: int, width: int, num_items: int, backend: str) -> int:
    """Programs tried at a time: what caches hold or, on an accelerator, what fills it.

    Args:
        length: Points of a series.
        width: Series that a program needs: its inputs, and one per instruction.
        num_items: Programs searched for, of one key.
        backend: For whose caches.
    """
    if backend == "cpu":
        return _CPU_TILE
    room = max(_CPU_TILE, min(_TILE_BYTES // (4 * length * width), _MAX_TILE))
    return min(room, at_a_time(num_items, _TRIES_AT_ONCE))
