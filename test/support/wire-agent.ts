/**
 * Replays one side of a recorded session: `node wire-agent.ts <script.jsonl>`, one step per line. Raw JSON lines, no protocol
 * library: what is tested against it is the wire. A client that does not follow the script ends it with exit code 9.
 *
 *   {"hear":<method>,"params"?,"result"?}  waits for it, compares the params where given, answers at once where it says how
 *   {"answer":<method>,"result"}           answers the last request of that method
 *   {"say":<message>}                      sends it as it is
 *   {"hearAnswer":<id>,"result"?|"error"?} waits for the client's answer and compares the result, or the code of the error
 *   {"noise":<line>}                       sends it as it is
 *   {"pause":<milliseconds>}               is silent, and does not listen
 *   {"exit":<code>}                        the last step
 *
 * `$CWD` stands for the directory of the session, or of the process where there is none.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

type Message = { readonly [field: string]: unknown };

const [, , script = ''] = process.argv;
const steps = readFileSync(script, 'utf8').trim().split('\n');
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const unheard: Message[] = [];
const asked = new Map<unknown, unknown>();
let cwd = process.cwd();

const fieldsOf = (value: unknown): Message => (typeof value === 'object' && value !== null ? { ...value } : {});
const write = (line: string) => process.stdout.write(`${line.replaceAll('$CWD', JSON.stringify(cwd).slice(1, -1))}\n`);
const send = (message: object) => write(JSON.stringify(message));

/** The next message that fits; others wait until they are asked for. */
const hear = async (fits: (message: Message) => boolean, what: string): Promise<Message> => {
  for (;;) {
    const at = unheard.findIndex(fits);
    const [found] = at === -1 ? [] : unheard.splice(at, 1);
    if (found) return found;
    const line = await input.next();
    assert.ok(!line.done, `the client left without ${what}`);
    unheard.push(fieldsOf(JSON.parse(line.value)));
  }
};

const play = async (step: Message): Promise<void> => {
  if (typeof step['noise'] === 'string') write(step['noise']);
  else if ('pause' in step) await pause(Number(step['pause']));
  else if ('exit' in step) process.stdout.write('', () => process.exit(Number(step['exit'])));
  else if ('say' in step) send(fieldsOf(step['say']));
  else if ('answer' in step) send({ jsonrpc: '2.0', result: step['result'], id: asked.get(step['answer']) });
  else if ('hearAnswer' in step) {
    const id = step['hearAnswer'];
    const answer = await hear(
      (message) => !('method' in message) && message['id'] === id,
      `an answer to ${String(id)}`,
    );
    if ('error' in step) assert.equal(fieldsOf(answer['error'])['code'], step['error']);
    else assert.deepEqual(answer['result'], step['result']);
  } else {
    const method = step['hear'];
    const { id, params } = await hear((message) => message['method'] === method, String(method));
    asked.set(method, id);
    if ('params' in step) assert.deepEqual(params, step['params']);
    if (method === 'session/new') cwd = String(fieldsOf(params)['cwd']);
    if ('result' in step) send({ jsonrpc: '2.0', result: step['result'], id });
  }
};

try {
  for (const step of steps) await play(fieldsOf(JSON.parse(step)));
} catch (fault) {
  process.stderr.write(`${script}: ${fault instanceof Error ? fault.message.split('\n')[0] : String(fault)}\n`);
  process.exit(9);
}
// A session outlives its script; a run ends with it.
if (asked.size === 0) process.exit();
while (!(await input.next()).done);
