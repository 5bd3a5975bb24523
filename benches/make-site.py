#!/usr/bin/env python3
"""Makes the site that the benchmarks publish: the same bytes on every machine.

    make-site.py DIR [--pages 10000] [--images 20] [--folders]

The pages are HTML with a shared frame and words drawn as natural text draws them (Zipf), so that they
compress as real pages do; the images are noise of 500 KB. In all 94 MB. A page is posts/YEAR/MONTH/NUMBER.html; with
--folders it is posts/YEAR/MONTH/NUMBER/index.html, a folder of its own.
"""

import argparse, itertools, pathlib, random

FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{up}assets/style.css">
<link rel="alternate" type="application/atom+xml" href="{up}feed.xml">
</head>
<body>
<header><a href="{up}index.html">Field notes</a><nav><a href="{up}about/index.html">About</a> <a href="{up}tags/index.html">Tags</a></nav></header>
<main>
<article>
<h1>{title}</h1>
{body}
</article>
</main>
<footer><p>Published with skep. <a href="{up}feed.xml">Feed</a></p></footer>
</body>
</html>
"""
PAGE_BYTES = 8_120


def words(rng):
    """An endless stream of words by Zipf's law."""
    onsets = "b c d f g h l m n p r s t v w st tr ch sh br".split()
    vowels = "a e i o u ea ou ai".split()
    codas = ["", "", "n", "r", "s", "t", "l", "nd", "st"]
    syllable = lambda: rng.choice(onsets) + rng.choice(vowels) + rng.choice(codas)
    vocabulary = ["".join(syllable() for _ in range(1 + rank // 40 % 3)) for rank in range(12_000)]
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(vocabulary))))
    while True:
        yield from rng.choices(vocabulary, cum_weights=weights, k=100_000)


def page(rng, stream, number, up):
    title = " ".join(itertools.islice(stream, 5)).capitalize()
    want, size, parts = int(PAGE_BYTES * rng.uniform(0.4, 1.6)) - 700, 0, []
    while size < want:
        text = " ".join(itertools.islice(stream, rng.randrange(40, 120))).capitalize()
        link = f' <a href="{up}posts/{rng.randrange(10_000):05}.html">{next(stream)}</a>.'
        parts.append(f"<p>{text}{link}</p>")
        size += len(parts[-1])
    return FRAME.format(title=title, body="\n".join(parts), up=up)


def place(number, folders=False):
    """The path of a page: 80 a month."""
    month = number // 80
    name = f"{number:05}/index.html" if folders else f"{number:05}.html"
    return f"posts/{2016 + month // 12}/{1 + month % 12:02}/{name}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--folders", action="store_true")
    args = parser.parse_args()
    rng = random.Random(2026)
    stream = words(rng)
    (args.dir / "images").mkdir(parents=True)
    for number in range(args.pages):
        path = args.dir / place(number, args.folders)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(rng, stream, number, "../../../"))
    for number in range(args.images):
        (args.dir / "images" / f"{number:02}.jpg").write_bytes(rng.randbytes(500_000))


if __name__ == "__main__":
    main()
