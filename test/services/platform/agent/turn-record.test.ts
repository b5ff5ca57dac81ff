import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TaskUpdate } from '#events/task-update.ts';
import { readUpdate } from '#platform/agent/acp-updates.ts';
import { kiroV2, kiroV3, readMetadata } from '#platform/agent/kiro.ts';
import { recordTurn } from '#platform/agent/turn-record.ts';
import type { TurnEvent } from '#platform/agent/turn-record.ts';

const record = (events: readonly TurnEvent[]) => {
  const updates: TaskUpdate[] = [];
  const turn = recordTurn((update) => updates.push(update));
  events.forEach(turn.add);
  return { updates, turn };
};
const text = (said: string) => ({ kind: 'text', text: said }) as const;

test('what the agent takes back is no part of the answer; what it said before its last finished tool call is', () => {
  const tool = { kind: 'tool', toolCallId: 't' } as const;
  const { turn } = record([
    text('First. '),
    tool,
    text('Doing. '),
    { ...tool, status: 'completed' },
    text('Seco'),
    { ...tool, toolCallId: 'u' },
    { kind: 'discarded' },
    text('Second.'),
  ]);
  assert.equal(turn.text(), 'First. Doing. Second.');
});

test('a character whose halves come in two pieces is whole in the answer, and no half of one is passed on', () => {
  const { turn, updates } = record([text('a\ud83d'), text('\ude00b')]);
  assert.equal(turn.text(), 'a😀b');
  assert.deepEqual(updates, [text('a\ufffd'), text('\ufffdb')]);
});

test('an answer without an end is cut off, and that is said once and at its own end', () => {
  const { turn, updates } = record(Array.from({ length: 12 }, () => text('x'.repeat(1024 * 1024))));
  assert.equal(turn.text(), `${'x'.repeat(8 * 1024 * 1024)}\n\n[the answer is cut off after 8388608 characters]`);
  assert.deepEqual(
    updates.filter(({ kind }) => kind === 'notice'),
    [{ kind: 'notice', text: 'the answer is cut off after 8388608 characters' }],
  );
});

test('a tool call is told whole every time, whatever its latest report leaves out', () => {
  const { updates } = record([
    { kind: 'tool', toolCallId: 't', title: 'Edit a', tool: 'edit', paths: ['/w/a'] },
    { kind: 'tool', toolCallId: 't', status: 'completed', detail: 'done' },
  ]);
  const whole = { kind: 'tool', toolCallId: 't', title: 'Edit a', tool: 'edit', paths: ['/w/a'] };
  assert.deepEqual(updates, [
    { ...whole, status: 'pending' },
    { ...whole, status: 'completed', detail: 'done' },
  ]);
});

test('nothing is passed on once the turn is closed', () => {
  const { turn, updates } = record([]);
  turn.close();
  turn.add(text('late'));
  turn.noticeOnce('late');
  assert.deepEqual(updates, []);
});

const kinds = [
  'agent_message_chunk',
  'tool_call',
  'tool_call_update',
  'plan',
  'usage_update',
  'notice',
  'retry_warning',
];
const name = fc.constantFrom(
  'content',
  'text',
  'type',
  'title',
  'status',
  'entries',
  'used',
  'size',
  'toolCallId',
  'rawInput',
  '_meta',
  'kiro',
  'kind',
  'usagePercentage',
  '__proto__',
  'constructor',
  'message',
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.constantFrom(null, true, 'text', 'context_usage', 'turn_completion', 'pending', 1e308, -1, '\ud800'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 6 }),
  ),
}));

test('whatever an agent sends as an update, what is passed on can be stored', () => {
  const update = fc.tuple(fc.constantFrom(...kinds, 'session_info_update', 'tool_call_chunk', 'no such'), value);
  fc.assert(
    fc.property(update, ([sessionUpdate, fields]) => {
      const sent = { ...(typeof fields === 'object' ? fields : {}), sessionUpdate };
      const events = [kiroV2, kiroV3].flatMap((dialect) => dialect.readUpdate(sent) ?? readUpdate(sent));
      const { updates } = record([...events, ...readMetadata(fields)]);
      for (const passed of updates) {
        assert.deepEqual(TaskUpdate.parse(passed), passed);
        assert.ok(isWellFormed(passed));
      }
    }),
  );
});

const isWellFormed = (passed: unknown): boolean =>
  typeof passed === 'string'
    ? passed.isWellFormed()
    : typeof passed !== 'object' || passed === null || Object.values(passed).every(isWellFormed);

test('half a character is told as the sign for what cannot be read, wherever it stands', () => {
  const half = 'a\ud800';
  const content = [{ type: 'content', content: { type: 'text', text: half } }];
  const call = { toolCallId: 't', title: half, locations: [{ path: half }], content };
  const sent = [
    { sessionUpdate: 'tool_call', ...call },
    { sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: half } },
    { sessionUpdate: 'plan', entries: [{ content: half, status: 'pending' }] },
    { sessionUpdate: 'notice', title: half },
    { sessionUpdate: half },
    { sessionUpdate: 'stream_stall_notice', message: half },
  ];
  const { updates } = record(sent.flatMap((update) => kiroV2.readUpdate(update) ?? readUpdate(update)));
  assert.equal(updates.length, sent.length);
  for (const passed of updates) assert.ok(isWellFormed(passed), JSON.stringify(passed));
});

test('usage that cannot be is not counted', () => {
  for (const turnDurationMs of [-1, 1e300, Infinity, '5']) assert.deepEqual(readMetadata({ turnDurationMs }), []);
  assert.deepEqual(readUpdate({ sessionUpdate: 'usage_update', used: 1e300, size: 1 }), [
    { kind: 'usage', contextPercent: 100 },
  ]);
  const unit = 'credit';
  const meteringUsage = [
    { value: 0.1, unit },
    { value: 0.2, unit },
    { value: 9, unit: 'token' },
  ];
  assert.deepEqual(readMetadata({ meteringUsage }), [{ kind: 'usage', credits: 0.3 }]);
});
