import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shortageIn } from '#platform/shortage.ts';

const system = (code: string, message: string): Error => Object.assign(new Error(message), { code });

describe('a shortage of the machine', () => {
  it('is found however deep it lies, in the words of the operating system', () => {
    const full = system('ENOSPC', 'ENOSPC: no space left on device, write');
    const told = new Error('the agent could not be started', { cause: new Error('no record', { cause: full }) });
    assert.equal(shortageIn(told), 'ENOSPC: no space left on device, write');
  });

  it('is nothing that somebody has to mend first', () => {
    assert.equal(shortageIn(system('ENOENT', 'no such file')), undefined);
    assert.equal(shortageIn(new Error('no')), undefined);
    assert.equal(shortageIn('ENOSPC'), undefined);
  });
});
