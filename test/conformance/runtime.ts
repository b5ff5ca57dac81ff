/** The suite every adapter of the operational records is held to. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Runtime } from '#platform/runtime.ts';

/** Opens records that hold nothing yet; each call of what it returns is another instance over them. */
export type OpenRuntime = (clock: () => number) => Promise<() => Runtime>;

export const runtimeConformance = (name: string, open: OpenRuntime): void => {
  describe(`${name}: shards`, () => {
    it('the number of shards is what the first instance wanted, whatever later ones want', async () => {
      const connect = await open(() => 1_000);
      assert.equal(await connect().fixShards(16), 16);
      assert.equal(await connect().fixShards(4), 16);
    });

    it('a shard is in the hands of one holder, who may claim it again', async () => {
      let now = 1_000;
      const connect = await open(() => now);
      const [a, b] = [connect(), connect()];
      assert.deepEqual(await a.claimShard('relay', 0, 'a', 100), { position: 0 });
      assert.equal(await b.claimShard('relay', 0, 'b', 100), undefined);
      assert.deepEqual(await b.claimShard('relay', 1, 'b', 100), { position: 0 }, 'another shard');
      assert.deepEqual(await b.claimShard('history', 0, 'b', 100), { position: 0 }, 'another subscription');
      now = 1_090;
      assert.deepEqual(await a.claimShard('relay', 0, 'a', 100), { position: 0 });
      now = 1_189;
      assert.equal(await b.claimShard('relay', 0, 'b', 100), undefined, 'the lease was renewed');
    });

    it('the next holder goes on from the position remembered last, and the one before is told that it lost', async () => {
      let now = 1_000;
      const connect = await open(() => now);
      const [a, b] = [connect(), connect()];
      await a.claimShard('relay', 0, 'a', 100);
      assert.equal(await a.rememberPosition('relay', 0, 'a', 7), 'remembered');
      now = 1_100;
      assert.deepEqual(await b.claimShard('relay', 0, 'b', 100), { position: 7 });
      assert.equal(await a.rememberPosition('relay', 0, 'a', 9), 'lost');
      assert.equal(await a.claimShard('relay', 0, 'a', 100), undefined);
      assert.equal(await b.rememberPosition('relay', 0, 'b', 8), 'remembered');
      assert.deepEqual(await b.claimShard('relay', 0, 'b', 100), { position: 8 });
    });

    it('a lease promised by a clock that was wrong binds nobody, and one by a clock that differs a little does', async () => {
      let now = 1_000 + 3_600_000;
      const connect = await open(() => now);
      const [ahead, next] = [connect(), connect()];
      await ahead.claimShard('relay', 0, 'ahead', 100);
      await ahead.rememberPosition('relay', 0, 'ahead', 7);
      now -= 59_000;
      assert.equal(await next.claimShard('relay', 0, 'next', 100), undefined);
      now = 1_000;
      assert.deepEqual(await next.claimShard('relay', 0, 'next', 100), { position: 7 });
      assert.equal(await ahead.rememberPosition('relay', 0, 'ahead', 8), 'lost');
    });

    it('a shard that is let go can be claimed at once, and only its holder can let it go', async () => {
      const connect = await open(() => 1_000);
      const [a, b] = [connect(), connect()];
      await a.claimShard('relay', 0, 'a', 100);
      await a.rememberPosition('relay', 0, 'a', 3);
      await b.releaseShard('relay', 0, 'b');
      assert.equal(await b.claimShard('relay', 0, 'b', 100), undefined);
      await a.releaseShard('relay', 0, 'a');
      assert.equal(await a.rememberPosition('relay', 0, 'a', 4), 'lost');
      assert.deepEqual(await b.claimShard('relay', 0, 'b', 100), { position: 3 });
      await b.releaseShard('relay', 9, 'b');
    });

    it('of many who claim a shard at once exactly one gets it', async () => {
      const connect = await open(() => 1_000);
      const claims = Array.from({ length: 16 }, (_, index) => connect().claimShard('relay', 0, `holder-${index}`, 100));
      assert.equal((await Promise.all(claims)).filter((claim) => claim !== undefined).length, 1);
    });
  });

  describe(`${name}: notes`, () => {
    it('a note is given to exactly one of many takers', async () => {
      const connect = await open(() => 1_000);
      await connect().putNote('ticket', '{"for":"ünïcødé"}', 2_000);
      const taken = await Promise.all(Array.from({ length: 16 }, () => connect().takeNote('ticket')));
      assert.deepEqual(
        taken.filter((value) => value !== undefined),
        ['{"for":"ünïcødé"}'],
      );
    });

    it('a note that expired is absent, and so is one that never was', async () => {
      let now = 1_000;
      const notes = (await open(() => now))();
      await notes.putNote('ticket', 'value', 2_000);
      now = 2_000;
      assert.equal(await notes.takeNote('ticket'), undefined);
      assert.equal(await notes.takeNote('never'), undefined);
      await notes.putNote('ticket', 'anew', 2_001);
      assert.equal(await notes.takeNote('ticket'), 'anew');
    });
  });
};
