/** A fault takes hold at named steps of the protocol; everywhere else the agent stays honest. */
import type { FaultFamily } from './behaviours.ts';
import type { Fields, Id, Wire } from './wire.ts';

export const startSteps = ['before-hello', 'mid-handshake'] as const;
/** `after-cancel` comes in place of `before-response` and `after-result` when the client cancelled the turn. */
export const turnSteps = [
  'after-prompt',
  'mid-tool-call',
  'mid-result',
  'before-response',
  'after-result',
  'after-cancel',
] as const;
export type StartStep = (typeof startSteps)[number];
export type TurnStep = (typeof turnSteps)[number];

/** What a fault may use while a turn runs. */
export type Stage = {
  readonly wire: Wire;
  readonly cwd: string;
  readonly sessionId: string;
  /** The id of the `session/prompt` that is being answered. */
  readonly promptId: Id;
  /** How much of it, in the unit that the table of behaviours names. */
  readonly amount: number;
  /** Aborts when the client cancels. */
  readonly cancelled: AbortSignal;
  readonly update: (update: object) => void;
  readonly say: (text: string) => void;
  /** Asks for permission; resolves with the option that was chosen, or undefined. */
  readonly ask: (toolCall: Fields, options?: readonly object[]) => Promise<string | undefined>;
};

/** `initializeId` is the id of the `initialize` that waits for its answer. */
type StartFault = (wire: Wire, initializeId?: Id) => void | Promise<void>;
type TurnFault = (stage: Stage) => void | Promise<void>;

/** A fault that never resolves hangs the agent at its step. */
export type Fault = { readonly [Step in StartStep]?: StartFault } & { readonly [Step in TurnStep]?: TurnFault };
export type Faults = { readonly [behaviour: string]: Fault };

export type ChosenFault = { readonly fault: Fault; readonly amount: number };

const families: Record<FaultFamily, () => Promise<{ faults: Faults }>> = {
  exit: () => import('./faults/exit.ts'),
  hang: () => import('./faults/hang.ts'),
  processes: () => import('./faults/processes.ts'),
  output: () => import('./faults/output.ts'),
  encoding: () => import('./faults/encoding.ts'),
  protocol: () => import('./faults/protocol.ts'),
  disk: () => import('./faults/disk.ts'),
  hostile: () => import('./faults/hostile.ts'),
};

/** `spec` is `<name>` or `<name>:<amount>`; undefined when there is no such behaviour. Loaded only when asked for: the honest agent starts without it. */
export const chooseFault = async (spec: string): Promise<ChosenFault | undefined> => {
  const { behaviours } = await import('./behaviours.ts');
  const [, name, amount] = /^([a-z0-9-]+)(?::(\d+))?$/.exec(spec) ?? [];
  const behaviour = behaviours.find((row) => row.name === name);
  if (!behaviour) return undefined;
  const { faults } = await families[behaviour.family]();
  const fault = faults[behaviour.name];
  if (!fault) throw new Error(`${behaviour.name} stands in the table and nowhere else`);
  return { fault, amount: Number(amount ?? process.env['DEMO_AGENT_AMOUNT'] ?? behaviour.amount?.count ?? 0) };
};
