/** The agent ends at every step of the protocol, with the codes that programs, shells and containers end with. */
import { exitCodes } from '../behaviours.ts';
import type { Fault, Faults } from '../fault.ts';

const at = (code: number): Faults => {
  const exit = () => process.exit(code);
  return {
    [`exit-${code}-before-hello`]: { 'before-hello': exit },
    [`exit-${code}-mid-handshake`]: {
      'mid-handshake': async (wire) => {
        await wire.write('{"jsonrpc":"2.0","id":');
        exit();
      },
    },
    [`exit-${code}-after-prompt`]: { 'after-prompt': exit },
    [`exit-${code}-mid-tool-call`]: { 'mid-tool-call': exit },
    [`exit-${code}-mid-result`]: { 'mid-result': exit },
    [`exit-${code}-after-result`]: { 'after-result': exit },
  };
};

const killed: Fault = { 'mid-result': () => void process.kill(process.pid, 'SIGKILL') };

export const faults: Faults = exitCodes.map(at).reduce((all, some) => ({ ...all, ...some }), {
  'killed-mid-result': killed,
});
