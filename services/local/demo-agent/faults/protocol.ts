/** Messages that break the rules of JSON, of JSON-RPC or of the Agent Client Protocol. */
import { once } from 'node:events';
import type { Fault, Faults, Stage } from '../fault.ts';
import { fieldsOf } from '../wire.ts';
import { hang } from './hang.ts';

/** An update as it stands in the line, for fields that `JSON.stringify` would not write. */
const rawUpdate = (sessionId: string, update: string): string =>
  `{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"${sessionId}","update":${update}}}\n`;

const almostJson = [
  '{"jsonrpc":"2.0","method":"session/update","params":{',
  "{'jsonrpc':'2.0'}",
  '{"jsonrpc":"2.0",}',
  'NaN',
  'null',
  '[]',
  '"text"',
  '{"jsonrpc":"1.0","method":7}',
  'WARN this is a log line',
];

const nest = ({ wire, sessionId, amount }: Stage) => {
  const deep = '['.repeat(amount) + ']'.repeat(amount);
  const chunk = '"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"deep "}';
  return wire.write(rawUpdate(sessionId, `{${chunk},"_meta":{"deep":${deep}}}`));
};

const repeatKeys = async ({ wire, sessionId }: Stage): Promise<void> => {
  const text = '"content":{"type":"text","text":"first "},"content":{"type":"text","text":"second "}';
  await wire.write(rawUpdate(sessionId, `{"sessionUpdate":"plan","sessionUpdate":"agent_message_chunk",${text}}`));
};

const pollute = async ({ wire, sessionId }: Stage): Promise<void> => {
  const poison = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
  const call = '"sessionUpdate":"tool_call","toolCallId":"__proto__","title":"constructor","kind":"other"';
  await wire.write(rawUpdate(sessionId, `{${call},"rawInput":{${poison}},"_meta":{${poison}},${poison}}`));
  await wire.write(`{"jsonrpc":"2.0","method":"_kiro.dev/metadata","params":{"sessionId":"${sessionId}",${poison}}}\n`);
};

const reportHugeNumbers = async ({ wire, sessionId }: Stage): Promise<void> => {
  const usage = '{"sessionUpdate":"usage_update","used":18446744073709551616,"size":9007199254740993}';
  const metering = '[{"value":1e400,"unit":"credit"},{"value":-5,"unit":"credit"},{"value":1e308,"unit":"credit"}]';
  const figures = `"contextUsagePercentage":1e400,"meteringUsage":${metering},"turnDurationMs":9007199254740993`;
  await wire.write(rawUpdate(sessionId, usage));
  await wire.write(
    `{"jsonrpc":"2.0","method":"_kiro.dev/metadata","params":{"sessionId":"${sessionId}",${figures}}}\n`,
  );
};

const askTheUnknown = async ({ wire, sessionId, update, say }: Stage): Promise<void> => {
  wire.send({ method: '_demo/notice', params: { sessionId } });
  update({ sessionUpdate: 'hologram', content: { type: 'scent' } });
  const { code } = fieldsOf((await wire.request('demo/unknown', { sessionId }))['error']);
  say(`The unknown method was answered with ${String(code)}. `);
};

const answerWrongly = ({ wire, promptId }: Stage): Promise<never> => {
  const id = typeof promptId === 'number' ? promptId + 1000 : `${promptId}-wrong`;
  wire.send({ id, result: { stopReason: 'end_turn' } });
  return hang();
};

const answerAgain = ({ wire, promptId, say }: Stage): void => {
  wire.send({ id: promptId, error: { code: -32603, message: 'a second answer' } });
  say('This comes after the end. ');
};

const talkAfterCancel: Fault = {
  'mid-result': async ({ cancelled }) => {
    if (!cancelled.aborted) await once(cancelled, 'abort');
  },
  'after-cancel': ({ wire, promptId, say }) => {
    say('This comes after the cancel. ');
    wire.send({ id: promptId, result: { stopReason: 'end_turn' } });
  },
};

const answersToNothing: Fault = {
  'mid-handshake': (wire, initializeId) => {
    const first = typeof initializeId === 'number' ? initializeId + 1 : 1;
    for (let id = first; id < first + 20; id += 1) wire.send({ id, result: { stopReason: 'end_turn' } });
  },
};

export const faults: Faults = {
  'invalid-json': { 'mid-result': ({ wire }) => wire.write(`${almostJson.join('\n')}\n`) },
  'deep-json': { 'mid-result': nest },
  'duplicate-keys': { 'mid-result': repeatKeys },
  'proto-keys': { 'mid-result': pollute },
  'huge-numbers': { 'mid-result': reportHugeNumbers },
  'unknown-method': { 'mid-result': askTheUnknown },
  'wrong-id': { 'before-response': answerWrongly },
  'duplicate-response': { 'after-result': answerAgain },
  'reply-after-cancel': talkAfterCancel,
  'result-before-request': answersToNothing,
};
