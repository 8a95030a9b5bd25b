"""How much is worked on at a time where nothing is held in caches."""

_LEAST = 256
_CPU_TILE = 256
_MAX_TILE = 2**16
_SMALL_BYTES, _LARGE_BYTES = 2**25, 2**30  # of the workspace of a tile on an accelerator
_TRIES_AT_ONCE = 16  # of few items: hardly one needs more
_MANY = 4096  # items: more are taken in halves, which fill a device as well


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
    # each item's first try in one wave or two, and what is left, a third, in another: all operators
    # are computed for every try, so that those drawn ahead for items that need none are dear
    wanted = power_of_two(num_items) // (2 if num_items > _MANY else 1)
    within = lambda room: max(_LEAST, power_of_two(room // (4 * length * width) + 1) // 2)
    small = min(within(_SMALL_BYTES), at_a_time(num_items, _TRIES_AT_ONCE))
    return min(max(wanted, small), within(_LARGE_BYTES), _MAX_TILE)
