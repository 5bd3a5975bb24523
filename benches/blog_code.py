"""Code for the posts of the benchmark blog: a page of each of fifteen languages, about 530 bytes.

`«a»`, `«b»` and `«c»` stand for words and `«n»` for a number, other ones in every block, so that no two blocks of
a blog are equal: a cache of highlighted blocks has to work for its living.
"""

import re

CODE = {
    "rust": """\
/// Counts how often each «a» comes up in `text`.
pub fn count_«a»(text: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for «b» in text.split_whitespace().filter(|w| w.len() > «n») {
        *counts.entry(«b».to_lowercase()).or_insert(0) += 1;
    }
    counts
}

fn main() -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string("«c».txt")?;
    for («b», times) in count_«a»(&text).iter().take(«n») {
        println!("{times:>6} {«b»}"); // the widest first
    }
    Ok(())
}
""",
    "python": """\
@dataclass(frozen=True)
class «A»:
    \"\"\"One «a» and how much of it there is.\"\"\"
    name: str
    amount: int = «n»

    def scaled(self, factor: float) -> "«A»":
        return replace(self, amount=round(self.amount * factor))


def load(path: Path) -> list[«A»]:
    with path.open(encoding="utf-8") as lines:
        rows = csv.DictReader(lines, delimiter=";")
        return [«A»(row["«b»"], int(row["«c»"])) for row in rows if row]


if __name__ == "__main__":
    print(f"{len(load(Path('«c».csv')))} of «a»")  # and done
""",
    "javascript": """\
const «a»Cache = new Map();

// Asks for a «a» once, and remembers what came.
export async function fetch«A»(id, { retries = «n», signal } = {}) {
  if («a»Cache.has(id)) return «a»Cache.get(id);
  for (let attempt = 0; attempt <= retries; attempt++) {
    const response = await fetch(`/api/«b»/${id}`, { signal });
    if (response.ok) {
      const «c» = await response.json();
      «a»Cache.set(id, «c»);
      return «c»;
    }
  }
  throw new Error(`no «b» with the id ${id}`);
}
""",
    "typescript": """\
interface «A»<T extends object> {
  readonly id: string;
  «b»?: T[];
  state: "open" | "closed";
}

type Keys = keyof «A»<Record<string, number>>;

export class «C»Store<T extends object> {
  private items: Map<string, «A»<T>> = new Map();

  add(item: «A»<T>): this {
    this.items.set(item.id, { ...item, state: "open" });
    return this;
  }

  get size(): number {
    return Math.min(this.items.size, «n»);
  }
}

const store = new «C»Store<{ «c»: number }>();
""",
    "go": """\
package «a»

// «A» guards a counter that many goroutines change.
type «A» struct {
	mu    sync.Mutex
	«b»   map[string]int
	limit int
}

func New() *«A» {
	return &«A»{«b»: make(map[string]int), limit: «n»}
}

func (x *«A») Add(key string) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.«b») >= x.limit {
		return 0, fmt.Errorf("«c»: more than %d keys", x.limit)
	}
	x.«b»[key]++
	return x.«b»[key], nil
}
""",
    "c": """\
#include <stdio.h>
#include <stdlib.h>

#define «B»_MAX «n»

struct «a» {
    char name[32];
    unsigned count;
    struct «a» *next;
};

/* Puts a new one before all others. */
static struct «a» *push(struct «a» *head, const char *name)
{
    struct «a» *item = calloc(1, sizeof *item);
    if (item == NULL || head == NULL)
        return head;
    snprintf(item->name, sizeof item->name, "%s", name);
    item->count = head->count + 1 < «B»_MAX ? head->count + 1 : 0;
    item->next = head;
    return item;
}
""",
    "java": """\
package org.example.«a»;

public final class «A»Service implements AutoCloseable {
    private static final int LIMIT = «n»;
    private final Map<String, List<Integer>> «b» = new HashMap<>();

    /** Adds a value; the list grows no longer than the limit. */
    public synchronized boolean add(String key, int value) {
        List<Integer> list = «b».computeIfAbsent(key, k -> new ArrayList<>());
        if (list.size() >= LIMIT) {
            return false;
        }
        return list.add(value);
    }

    @Override
    public void close() { «b».clear(); }
}
""",
    "ruby": """\
require "set"

# Walks over every «a» below a folder.
class «A»Walker
  include Enumerable

  attr_reader :root, :«b»

  def initialize(root, «b»: «n»)
    @root = File.expand_path(root)
    @«b» = «b»
    @seen = Set.new
  end

  def each
    return to_enum(:each) unless block_given?
    Dir.glob("#{root}/**/*.«c»").sort.each do |path|
      next unless @seen.add?(path)
      yield path, File.size(path) if File.size(path) > @«b» * 1024
    end
  end
end

puts «A»Walker.new(".").map { |path, size| "#{size} #{path}" }
""",
    "bash": """\
#!/usr/bin/env bash
set -euo pipefail

readonly «B»_DIR="${«B»_DIR:-$HOME/.cache/«a»}"
keep=«n»

# Removes all but the newest copies.
prune() {
  local count=0
  for file in $(ls -t "$«B»_DIR"/*.tar.gz 2>/dev/null); do
    count=$((count + 1))
    if [[ $count -gt $keep ]]; then
      echo "removing ${file##*/}" >&2
      rm -- "$file"
    fi
  done
}

mkdir -p "$«B»_DIR"
tar -czf "$«B»_DIR/«c»-$(date +%F).tar.gz" --exclude='.git' "$@"
prune && echo "kept $keep of «a»"
""",
    "sql": """\
CREATE TABLE IF NOT EXISTS «a» (
    id         INTEGER PRIMARY KEY,
    «b»        VARCHAR(«n») NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    parent_id  INTEGER REFERENCES «a» (id) ON DELETE CASCADE
);

-- The most frequent of the last month.
SELECT p.«b», COUNT(*) AS «c», MAX(c.created_at) AS newest
FROM «a» AS p
LEFT JOIN «a» AS c ON c.parent_id = p.id
WHERE p.created_at >= DATE('now', '-30 days') AND p.«b» LIKE '%«c»%'
GROUP BY p.«b»
HAVING COUNT(*) > «n»
ORDER BY «c» DESC, p.«b» ASC
LIMIT 10;
""",
    "json": """\
{
  "name": "@example/«a»",
  "version": "1.«n».0",
  "private": true,
  "keywords": ["«b»", "«c»", "weblog"],
  "scripts": {
    "build": "«a» build --minify --out dist/«b»",
    "test": "node --test \\"test/**/*.js\\"",
    "start": "«a» serve --port 4«n»"
  },
  "dependencies": {
    "«b»-core": "^2.«n».1",
    "«c»-loader": "~0.9.4"
  },
  "engines": { "node": ">=20.10" },
  "config": {
    "retries": «n»,
    "ratio": 0.75,
    "fallback": null,
    "paths": { "in": "src/«c»", "out": "dist" }
  }
}
""",
    "yaml": """\
# Runs the «a» on every push.
name: «a»
on:
  push:
    branches: [main, "release/**"]
  schedule:
    - cron: "«n» 4 * * 1"

env: &shared
  «B»_LEVEL: debug
  RETRIES: «n»

jobs:
  «b»:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    strategy:
      fail-fast: false
      matrix:
        version: [1.«n», 2.0]
    steps:
      - uses: actions/checkout@v4
      - name: Build «c»
        run: |
          make «b»
          ./«a» --check "${{ matrix.version }}"
        env:
          <<: *shared
""",
    "toml": """\
# The settings of «a».
title = "The «a» of «b»"
enabled = true
limit = «n»
ratio = 0.75

[package]
name = "«a»"
version = "0.«n».1"
authors = ["A. Writer <writer@example.org>"]
released = 2026-03-14T09:26:53Z

[dependencies]
«b» = { version = "1.«n»", default-features = false, features = ["std"] }
«c» = "2"

[[server]]
name = "«c»"
ports = [8000, 8001, 80«n»]
roles = { read = true, write = false }

[[server]]
name = 'second "«b»"'
text = \"\"\"
One line,
another.\"\"\"
""",
    "html": """\
<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>«A» and «b»</title>
  <link rel="stylesheet" href="/assets/«a».css">
  <style>
    .«b» { margin: 0 auto; max-width: 6«n»px; }
  </style>
</head>
<body>
  <!-- The list of all that there is -->
  <main class="«b»" id="«c»">
    <h1>«A» &amp; «c»</h1>
    <ul>
      <li><a href="/«a»/«n»/">The first</a></li>
      <li><img src="/«b».png" alt="«c»" width="«n»0"></li>
    </ul>
  </main>
  <script>document.title += " («n»)";</script>
</body>
</html>
""",
    "css": """\
:root {
  --«a»: #3a6ea«n»;
  --«b»-gap: clamp(1rem, 2.5vw, «n»px);
}

/* Cards that find their own number of columns. */
.«a»-list {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(1«n»px, 1fr));
  gap: var(--«b»-gap);
}

.«a»-list > .«c»:not(:last-child):hover::after {
  content: "\\2192";
  color: rgb(0 0 0 / 60%);
  transition: transform 150ms ease-in-out;
}

@media (prefers-color-scheme: dark) and (min-width: 40em) {
  :root { --«a»: oklch(70% 0.1 2«n»); }
  .«c» { background: url("/assets/«b».svg") no-repeat; }
}
""",
}

LANGUAGES = tuple(CODE)


def block(rng, stream, language):
    """A block of code with words out of `stream` in it."""
    word = {key: next(stream) for key in "abc"}
    word |= {key.upper(): value.capitalize() for key, value in word.items()}
    if language in ("c", "bash", "yaml"):
        word["B"] = word["B"].upper()
    word["n"] = str(rng.randrange(10, 100))
    return re.sub("«(\\w)»", lambda hole: word[hole[1]], CODE[language])
