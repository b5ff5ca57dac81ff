/** What a service stands on: who hears of its commits, and how. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { readConfig, storeConfig } from '#platform/config.ts';
import { connectWith } from '#platform/connect.ts';
import type { Connected } from '#platform/connect.ts';
import { silent } from '#platform/log.ts';
import type { Wake } from '#platform/subscribe.ts';
import { startAws } from '#test/support/aws.ts';
import type { Aws } from '#test/support/aws.ts';
import { eventually } from '#test/support/eventually.ts';
import { commitOf, factsFor, newTask, rowFor } from '../../conformance/fixtures.ts';

let aws: Aws;
before(async () => {
  aws = await startAws();
});
after(() => aws[Symbol.asyncDispose]());

const open = (instanceId: string): Promise<Connected> =>
  connectWith(aws.clients, { service: 'test', instanceId }, readConfig(storeConfig, aws.env), silent);

const hears = ({ onWake }: Connected): Wake[] => {
  const heard: Wake[] = [];
  onWake((wake) => heard.push(wake));
  return heard;
};

/** Appends a task; what a wake says of it. */
const commitTo = async ({ store }: Connected): Promise<Wake> => {
  const stream = newTask();
  const { shard, position } = commitOf(await store.append(stream, 0, factsFor(stream, 0), { row: rowFor(stream) }));
  return { shard, position };
};

const isWoken = (heard: readonly Wake[], by: Wake) =>
  eventually(() => heard.some((wake) => isDeepStrictEqual(wake, by)) || undefined, 'a wake was not heard');

it('an instance hears of its own commit at once and only once, and the others hear of it as well', async () => {
  await using one = await open('one');
  await using other = await open('other');
  const [heard, heardByOther] = [hears(one), hears(other)];
  const own = await commitTo(one);
  assert.deepEqual(heard, [own]);
  await isWoken(heardByOther, own);
  const foreign = await commitTo(other);
  await isWoken(heard, foreign);
  assert.deepEqual(heard, [own, foreign]);
});
