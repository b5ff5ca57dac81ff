import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, optionFor, pathsNamed } from '#platform/agent/permissions.ts';

const isInside = (path: string) => path.startsWith('/w/');
const verdict = (kind: string | undefined, paths: readonly string[] | undefined) =>
  decide('allow-workdir', { kind, paths }, isInside).decision;

test('in the work directory everything is allowed; one path outside of it is enough for a no', () => {
  for (const kind of ['read', 'edit', 'delete', 'move', 'search', 'execute', 'other', undefined]) {
    assert.equal(verdict(kind, ['/w/a', '/w/b']), 'allowed', kind);
    assert.equal(verdict(kind, ['/w/a', '/etc/passwd']), 'denied', kind);
  }
});

test('a command without a directory starts in the work directory; a change without a path could be anywhere', () => {
  for (const kind of ['execute', 'search', 'read', 'fetch', 'think', undefined])
    assert.equal(verdict(kind, []), 'allowed');
  for (const kind of ['edit', 'delete', 'move']) assert.equal(verdict(kind, []), 'denied');
});

test('a request that is too large to be read is denied', () => {
  assert.equal(verdict('read', undefined), 'denied');
  const deep: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
  assert.equal(pathsNamed({ rawInput: deep }), undefined);
});

test('the other policies do not look', () => {
  assert.deepEqual(decide('allow-all', { paths: ['/etc'] }, isInside), { decision: 'allowed', reason: 'allow-all' });
  assert.deepEqual(decide('deny-all', { paths: [] }, isInside), { decision: 'denied', reason: 'deny-all' });
});

const option = (kind: string) => ({ optionId: `the ${kind}`, kind });

test('the answer is for this time only where there is such an option, and never the opposite of what was decided', () => {
  const all = ['allow_always', 'reject_always', 'allow_once', 'reject_once'].map(option);
  const allowed = { decision: 'allowed', reason: '' } as const;
  const denied = { decision: 'denied', reason: '' } as const;
  assert.equal(optionFor(allowed, all), 'the allow_once');
  assert.equal(optionFor(denied, all), 'the reject_once');
  assert.equal(optionFor(allowed, all.slice(0, 2)), 'the allow_always');
  fc.assert(
    fc.property(fc.subarray(all), (offered) => {
      assert.equal(optionFor(denied, offered)?.includes('allow') ?? false, false);
      assert.equal(optionFor(allowed, offered)?.includes('reject') ?? false, false);
    }),
  );
});

test('every way in which agents name paths is seen, and what only looks like one is not', () => {
  const call = {
    locations: [{ path: '/l' }],
    content: [{ type: 'diff', path: '/d', newText: '/not/this' }],
    rawInput: {
      operations: [{ mode: 'Line', path: '/o' }],
      image_paths: ['/i1', '/i2'],
      filePath: '/f',
      working_dir: '/wd',
      cwd: null,
      sourcePath: '/s',
      uri: 'file:///u',
      url: 'https://example.org',
      file_text: '/* a comment */',
      command: 'cat /etc/passwd',
    },
  };
  const expected = ['/d', '/f', '/i1', '/i2', '/l', '/o', '/s', '/wd', 'file:///u'];
  assert.deepEqual(pathsNamed(call)?.toSorted(), expected);
  assert.deepEqual(pathsNamed({ uri: 'https://example.org/x' }), []);
});
