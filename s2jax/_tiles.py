"""How much is worked on at a time where nothing is held in caches."""

_LEAST = 256


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
