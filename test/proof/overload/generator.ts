/** The load, in a process of its own: closed loop, or open loop by a schedule that waits for nobody. Prints a report. */
import { writeFileSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { openConnection } from './connection.ts';
import type { Answer, Connection } from './connection.ts';
import { Order } from './order.ts';
import type { LoadReport } from './order.ts';

const { port, keys, bodies, durationMs, perSecond, connectionsMax, acceptedFile } = Order.parse(
  JSON.parse(process.argv[2] ?? ''),
);

const requestOf = (key: string, body: string): string => {
  const head = `POST /api/chat HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}`;
  return `${head}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};
const requests = bodies.flatMap((body) => keys.map((key) => requestOf(key, body)));

const durations = () => {
  const histogram = createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 });
  const inMs = (microseconds: number) => Math.round(microseconds / 100) / 10;
  return {
    add: (ms: number) => histogram.record(Math.max(1, Math.round(ms * 1000))),
    quantiles: () => {
      const { count } = histogram;
      if (count === 0) return { count, p50: 0, p99: 0, max: 0 };
      return {
        count,
        p50: inMs(histogram.percentile(50)),
        p99: inMs(histogram.percentile(99)),
        max: inMs(histogram.max),
      };
    },
  };
};
const seen = { accepted: durations(), rejected: durations(), fromSchedule: durations(), sendLag: durations() };
const statuses: Record<string, number> = {};
const acceptedBySecond = Array.from({ length: Math.ceil(durationMs / 1000) }, () => 0);
const taskIds: string[] = [];
const improper: string[] = [];
let [asked, open, unanswered, improperCount] = [0, 0, 0, 0];

const startedAt = performance.now();
const isOver = (): boolean => performance.now() - startedAt >= durationMs;

const isProper = ({ status, head, body }: Answer): boolean =>
  (status === 429 || status === 503) &&
  /^retry-after: *[1-9]\d*$/im.test(head) &&
  /^content-type: *application\/problem\+json/im.test(head) &&
  body.startsWith('{"type":"https://kiro-dispatch.dev/problems/');

const note = (answer: Answer, askedAt: number, now: number): void => {
  statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
  const taskId = answer.status === 202 ? /"taskId":"([^"]+)"/.exec(answer.body)?.[1] : undefined;
  if (taskId !== undefined) {
    seen.accepted.add(now - askedAt);
    taskIds.push(taskId);
    const second = Math.floor((now - startedAt) / 1000);
    if (second < acceptedBySecond.length) acceptedBySecond[second] = (acceptedBySecond[second] ?? 0) + 1;
    return;
  }
  seen.rejected.add(now - askedAt);
  if (isProper(answer)) return;
  improperCount += 1;
  if (improper.length < 3) improper.push(`${answer.head}\n\n${answer.body}`);
};

/** When each request was due that found no connection free. */
const late: number[] = [];
const idle: Connection[] = [];

const ask = (connection: Connection, dueAt: number): void => {
  const askedAt = performance.now();
  const request = requests[asked % requests.length] ?? '';
  asked += 1;
  open += 1;
  connection.ask(request, (answer) => {
    const now = performance.now();
    open -= 1;
    if (answer) {
      note(answer, askedAt, now);
      seen.fromSchedule.add(now - dueAt);
      seen.sendLag.add(askedAt - dueAt);
    } else unanswered += 1;
    const next = connection.isBroken() ? openConnection(port) : connection;
    const nextDue = isOver() ? undefined : perSecond === undefined ? now : late.shift();
    if (nextDue === undefined) idle.push(next);
    else ask(next, nextDue);
  });
};

const connections = Array.from({ length: connectionsMax }, () => openConnection(port));
if (perSecond === undefined) {
  for (const connection of connections) ask(connection, performance.now());
  await pause(durationMs);
} else {
  idle.push(...connections);
  let due = 0;
  while (!isOver()) {
    const now = performance.now() - startedAt;
    for (; due < Math.min(now, durationMs); due += 1000 / perSecond) {
      const connection = idle.pop();
      if (connection) ask(connection, startedAt + due);
      else late.push(startedAt + due);
    }
    await pause(1);
  }
}
const unsent = late.length;
for (const until = performance.now() + 30_000; open > 0 && performance.now() < until;) await pause(10);
writeFileSync(acceptedFile, taskIds.map((id) => `${id}\n`).join(''));
const report: LoadReport = {
  ...{ asked, unsent, unanswered: unanswered + open, statuses, improper, improperCount, acceptedBySecond },
  ...{ accepted: seen.accepted.quantiles(), rejected: seen.rejected.quantiles() },
  ...{ fromSchedule: seen.fromSchedule.quantiles(), sendLag: seen.sendLag.quantiles() },
};
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
