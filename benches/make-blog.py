#!/usr/bin/env python3
"""Makes the blog that build.py and preview.py measure, once for each generator: the same bytes on every machine.

    make-blog.py DIR [--posts 1000] [--plain] [--for skep hugo zola]

DIR/skep, DIR/hugo and DIR/zola have the same posts, with templates that show the same of them (benches/blog). A
post is about 6 KB of Markdown with two blocks of code, a table and a footnote, and has about 3 of 50 tags. With
--plain no block of code says its language, so that nothing is highlighted.
"""

import argparse, datetime, importlib, itertools, pathlib, random, shutil, sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import blog_code

words = importlib.import_module("make-site").words
GENERATORS = ("skep", "hugo", "zola")
TAGS = 50
POST_BYTES = 5_400
# Four posts a day, the newest long before any clock's present.
NEWEST = datetime.datetime(2024, 12, 31, 18)
APART = datetime.timedelta(hours=6)
HIGHLIGHT = {
    "skep": "",
    "hugo": '\n[markup.highlight]\nnoClasses = false\n',
    "zola": '\n[markdown.highlighting]\nstyle = "class"\ntheme = "github-light"\n',
}


class Blog:
    """The posts, before any generator's front matter."""

    def __init__(self, count, plain):
        self.plain = plain
        self.rng = random.Random(2026)
        self.stream = words(self.rng)
        self.tags = self.some_tags()
        self.weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(TAGS)))
        titles = [self.words(self.rng.randrange(3, 7)).capitalize() for _ in range(count)]
        self.titles = titles
        self.slugs = [f"{title.lower().replace(' ', '-')}-{number}" for number, title in enumerate(titles)]

    def some_tags(self):
        tags = {}
        while len(tags) < TAGS:
            word = next(self.stream)
            if len(word) > 3:
                tags[word] = None
        return list(tags)

    def words(self, count):
        return " ".join(itertools.islice(self.stream, count))

    def posts(self):
        """Each post: its slug, its front matter as a dict, its body."""
        for number, (slug, title) in enumerate(zip(self.slugs, self.titles)):
            tags = set(self.rng.choices(self.tags, cum_weights=self.weights, k=self.rng.choice((2, 3, 3, 4, 5))))
            front = {
                "title": title,
                "date": NEWEST - (len(self.slugs) - 1 - number) * APART,
                "description": self.words(18).capitalize() + ".",
                "tags": sorted(tags),
            }
            yield slug, front, self.body(number)

    def body(self, number):
        rng, parts = self.rng, []
        languages = rng.sample(blog_code.LANGUAGES, 2)
        want = POST_BYTES * rng.uniform(0.7, 1.3)
        parts.append(self.paragraph() + "[^note]")
        parts.append(self.code(languages[0]))
        parts.append("## " + self.words(4).capitalize())
        parts.append(self.paragraph())
        parts.append(self.table())
        parts.append("\n".join(f"- {self.words(8)}" for _ in range(4)))
        parts.append("## " + self.words(3).capitalize())
        parts.append(self.code(languages[1]))
        parts.append("> " + self.words(25).capitalize() + ".")
        while sum(map(len, parts)) < want:
            if rng.random() < 0.2:
                parts.append("### " + self.words(4).capitalize())
            parts.append(self.paragraph())
        parts.append("[^note]: " + self.words(15).capitalize() + ".")
        return "\n\n".join(parts) + "\n"

    def code(self, language):
        block = blog_code.block(self.rng, self.stream, language)
        return f"```{'' if self.plain else language}\n{block}```"

    def table(self):
        rows = [[next(self.stream), next(self.stream), str(self.rng.randrange(1000))] for _ in range(6)]
        rows.insert(1, ["---", "---", "--:"])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def paragraph(self):
        rng, out = self.rng, []
        for _ in range(rng.randrange(3, 6)):
            sentence = list(itertools.islice(self.stream, rng.randrange(8, 22)))
            at = rng.randrange(1, len(sentence))
            word = sentence[at]
            sentence[at] = rng.choice((word, f"*{word}*", f"**{word}**", f"`{word}`", f"[{word}]({self.link()})"))
            out.append(" ".join(sentence).capitalize() + ".")
        return "\n".join(out)

    def link(self):
        if self.rng.random() < 0.5:
            return f"https://example.com/{next(self.stream)}"
        return f"/posts/{self.rng.choice(self.slugs)}/"


def yaml(front):
    date = front["date"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return (f"---\ntitle: {front['title']}\ndate: {date}\ndescription: {front['description']}\n"
            f"tags: [{', '.join(front['tags'])}]\n---\n")


def toml(front):
    date = front["date"].strftime("%Y-%m-%dT%H:%M:%SZ")
    tags = ", ".join(f'"{tag}"' for tag in front["tags"])
    return (f"+++\ntitle = \"{front['title']}\"\ndate = {date}\ndescription = \"{front['description']}\"\n"
            f"[taxonomies]\ntags = [{tags}]\n+++\n")


def place(generator, site, slug, front):
    """Where a generator wants a post to lie, and its front matter."""
    match generator:
        case "skep":
            return site / "_posts" / f"{front['date']:%Y-%m-%d}-{slug}.md", yaml(front)
        case "hugo":
            return site / "content" / "posts" / f"{slug}.md", yaml(front)
        case "zola":
            return site / "content" / "posts" / f"{slug}.md", toml(front)


def frame(generator, site, plain):
    """Everything but the posts."""
    shutil.copytree(HERE / "blog" / generator, site)
    assets = site / ("assets" if generator == "skep" else "static/assets")
    assets.mkdir(parents=True)
    shutil.copy(HERE / "blog" / "style.css", assets)
    if not plain:
        config = next(site.glob("*.toml"))
        config.write_text(config.read_text() + HIGHLIGHT[generator])
    if generator == "zola":
        posts = site / "content" / "posts"
        posts.mkdir(parents=True)
        (site / "content" / "_index.md").write_text('+++\nsort_by = "date"\npaginate_by = 10\n+++\n')
        (posts / "_index.md").write_text('+++\nsort_by = "date"\ntransparent = true\nrender = false\n+++\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--posts", type=int, default=1_000)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--for", dest="generators", nargs="+", choices=GENERATORS, default=GENERATORS)
    args = parser.parse_args()
    for generator in args.generators:
        frame(generator, args.dir / generator, args.plain)
    for slug, front, body in Blog(args.posts, args.plain).posts():
        for generator in args.generators:
            path, head = place(generator, args.dir / generator, slug, front)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head + body)


if __name__ == "__main__":
    main()
