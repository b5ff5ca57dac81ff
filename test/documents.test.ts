/** Documents that name tests are held to it: a promise is guarded by a test that exists, or it is pending aloud. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const link = /\[([^\]]+)\]\(([^)]*test\/[^)]+\.ts)\)/g;

type Named = { readonly title: string; readonly path: string };

const testsNamedIn = (document: string): Named[] =>
  [...readFileSync(join(root, document), 'utf8').matchAll(link)].map(([, title = '', path = '']) => ({
    title,
    path: join(root, dirname(document), path),
  }));

/** The lines of a document's tables, without their heads. */
const rowsOf = (document: string): string[] =>
  readFileSync(join(root, document), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|-]*$/.test(line) && !/\| (?:guarded|measured) by/.test(line));

for (const document of ['SPECIFICATION.md', 'docs/defects.md']) {
  describe(document, () => {
    it('names tests that exist, by their titles', () => {
      const named = testsNamedIn(document);
      assert.ok(named.length > 20, `only ${named.length} tests are named`);
      for (const { title, path } of named) assert.ok(readFileSync(path, 'utf8').includes(title), `${path}: ${title}`);
    });

    it('guards every line, or says that this is pending', () => {
      const bare = rowsOf(document).filter((row) => !row.includes('](') && !row.includes('**pending**'));
      assert.deepEqual(bare, []);
    });
  });
}
