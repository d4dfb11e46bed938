"""The rates of index runs beside a compared program's and beside what the two stages allow."""

from collections.abc import Sequence
from statistics import median

BOUND = 0.9  # of the rate that the stages allow, wanted
Row = dict[str, object]


def rates(row: Row) -> dict[str, float]:
    """Return the images per second of a repetition, and the ratios of them."""

    def rate(name: str) -> float:
        return float(str(row["photos"])) / float(str(row[name]))

    decode, encode = rate("decode_seconds"), rate("encode_seconds")
    bound = 1 / (1 / decode + 1 / encode)
    found = {
        "decode": decode,
        "encode": encode,
        "bound": bound,
        "ours": rate("sightline_seconds"),
        "rclip": rate("rclip_seconds"),
        "ours, with start-up": rate("sightline_wall_seconds"),
        "rclip, with start-up": rate("rclip_wall_seconds"),
    }
    return found | {
        "ours/rclip": found["ours"] / found["rclip"],
        "ours/rclip, with start-up": found["ours, with start-up"] / found["rclip, with start-up"],
        "ours/bound": found["ours"] / bound,
    }


def print_rates(name: str, rows: Sequence[Row], times_rclip: float) -> None:
    """Print the median of each rate and ratio of a set beside what is wanted."""
    each = [rates(row) for row in rows]
    middle = {name: median(found[name] for found in each) for name in each[0]}
    wanted = {
        "ours/rclip": times_rclip,
        "ours/rclip, with start-up": times_rclip,
        "ours/bound": BOUND,
    }
    print(f"{name}, {rows[0]['photos']} photos, median of {len(rows)}:")
    for what, value in middle.items():
        unit = f" (at least {wanted[what]})" if what in wanted else "/s"
        print(f"  {what:26} {value:8.2f}{unit}")
    for program in ("sightline", "rclip"):
        busy = median(_processor(row, program) for row in rows)
        again = median(float(str(row[f"{program}_again_wall_seconds"])) for row in rows)
        print(f"  {program + ', processor':26} {busy:8.2f} s")
        print(f"  {program + ', nothing new':26} {again:8.2f} s")


def _processor(row: Row, program: str) -> float:
    """Return the processor seconds of a whole command, which other work disturbs less."""
    return sum(float(str(row[f"{program}_{kind}_seconds"])) for kind in ("user", "system"))
