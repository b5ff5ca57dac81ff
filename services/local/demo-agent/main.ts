#!/usr/bin/env node
/** An ACP agent that needs no model and no network: it lets people watch the system work, and plays every fault the system must withstand. */
import { parseArgs } from 'node:util';
import { serve } from './agent.ts';
import { chooseFault } from './fault.ts';

const usage = 'main.ts [--behave=<name>[:<amount>] | --behave=list] [--allow-behave] [--pace-ms=<milliseconds>]';

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      behave: { type: 'string' },
      'allow-behave': { type: 'boolean', default: false },
      'pace-ms': { type: 'string', default: '15' },
    },
  });
  if (values.behave === 'list') {
    const { behaviourTable } = await import('./behaviours.ts');
    process.stdout.write(behaviourTable());
    return;
  }
  const paceMs = Number(values['pace-ms']);
  if (!(paceMs >= 0)) throw new Error(`--pace-ms=${values['pace-ms']} is no number of milliseconds`);
  const chosen = values.behave === undefined ? undefined : await chooseFault(values.behave);
  if (values.behave !== undefined && !chosen)
    throw new Error(`there is no behaviour ${values.behave}; see --behave=list`);
  await serve({ paceMs, chosen, allowBehave: values['allow-behave'] });
};

main().catch((fault: unknown) => {
  process.stderr.write(`${fault instanceof Error ? fault.message : String(fault)}\n${usage}\n`);
  process.exit(64);
});
