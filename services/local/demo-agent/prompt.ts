/** Answers one `session/prompt`: the honest turn with the faults that were chosen, what it used, and how it ended. */
import { keepConversation } from './conversations.ts';
import { chooseFault, startSteps } from './fault.ts';
import type { ChosenFault, Stage, TurnStep } from './fault.ts';
import { wordCount } from './skills.ts';
import type { Exchange } from './skills.ts';
import { runTurn, textContent } from './turn.ts';
import { fieldsOf, listOf, stringOf } from './wire.ts';
import type { Fields, Incoming, Wire } from './wire.ts';

export type AgentOptions = {
  readonly paceMs: number;
  readonly chosen: ChosenFault | undefined;
  /** Whether a prompt may choose a behaviour by a line `behave: <name>`. */
  readonly allowBehave: boolean;
};

/** `turn` is there while a prompt is being answered; aborting it cancels. */
export type Session = {
  readonly id: string;
  readonly cwd: string;
  history: readonly Exchange[];
  turn?: AbortController;
};

const contextWords = 32_000;

const permissionOptions = [
  { optionId: 'allow_once', name: 'Allow', kind: 'allow_once' },
  { optionId: 'reject_once', name: 'Reject', kind: 'reject_once' },
] as const;

export const updater = (wire: Wire, sessionId: string) => (update: object) =>
  wire.send({ method: 'session/update', params: { sessionId, update } });

export const answerPrompt = async (
  wire: Wire,
  session: Session,
  { id, params }: Incoming,
  options: AgentOptions,
): Promise<void> => {
  const startedAt = performance.now();
  const turn = (session.turn = new AbortController());
  try {
    const { prompt, chosen } = await read(params, options);
    const stage = stageOf(wire, session, id, chosen?.amount ?? 0, turn.signal);
    const reach = async (step: TurnStep) => chosen?.fault[step]?.(stage);
    const { history, cwd } = session;
    const said = await runTurn({ ...stage, prompt, history, cwd, paceMs: options.paceMs, reach }, turn.signal).catch(
      (fault: unknown) => {
        if (turn.signal.aborted) return undefined;
        throw fault;
      },
    );
    if (said === undefined) {
      wire.answer(id, { result: { stopReason: 'cancelled' } });
      return await reach('after-cancel');
    }
    session.history = [...history, { prompt, answer: said }];
    keepConversation(session.id, session.history);
    reportUsage(wire, session, { prompt, answer: said }, performance.now() - startedAt);
    await reach('before-response');
    wire.answer(id, { result: { stopReason: 'end_turn' } });
    await reach('after-result');
  } finally {
    delete session.turn;
  }
};

const behaveLine = /^behave: *(\S+)\r?\n?/m;

/** The text of the prompt, without the line that chose a behaviour. */
const read = async (params: Fields, options: AgentOptions) => {
  const text = listOf(params['prompt'])
    .map(fieldsOf)
    .map((block) => stringOf(block['text']) || stringOf(block['uri']))
    .join('\n');
  const asked = options.allowBehave ? behaveLine.exec(text)?.[1] : undefined;
  if (asked === undefined) return { prompt: text, chosen: options.chosen };
  const chosen = await chooseFault(asked);
  if (!chosen) throw new Error(`there is no behaviour ${asked}`);
  if (startSteps.some((step) => chosen.fault[step])) throw new Error(`${asked} begins before the first prompt`);
  return { prompt: text.replace(behaveLine, ''), chosen };
};

const stageOf = (
  wire: Wire,
  session: Session,
  promptId: Incoming['id'],
  amount: number,
  cancelled: AbortSignal,
): Stage => {
  const { id: sessionId, cwd } = session;
  const update = updater(wire, sessionId);
  const gone = new Promise<undefined>((resolve) => cancelled.addEventListener('abort', () => resolve(undefined)));
  return {
    ...{ wire, cwd, amount, cancelled, update, sessionId, promptId },
    say: (text) => update({ sessionUpdate: 'agent_message_chunk', content: textContent(text) }),
    ask: async (toolCall, options = permissionOptions) => {
      const asked = wire.request('session/request_permission', { sessionId, toolCall, options });
      const outcome = fieldsOf(fieldsOf((await Promise.race([asked, gone]))?.['result'])['outcome']);
      return outcome['outcome'] === 'selected' ? stringOf(outcome['optionId']) : undefined;
    },
  };
};

/** Shaped as Kiro reports them; the figures are invented, and say so. */
const reportUsage = (wire: Wire, session: Session, { prompt, answer }: Exchange, elapsedMs: number): void => {
  const words = (exchange: Exchange) => wordCount(exchange.prompt) + wordCount(exchange.answer);
  const used = session.history.reduce((sum, exchange) => sum + words(exchange), 0);
  updater(wire, session.id)({ sessionUpdate: 'usage_update', used, size: contextWords });
  const params = {
    sessionId: session.id,
    contextUsagePercentage: (used / contextWords) * 100,
    meteringUsage: [{ value: words({ prompt, answer }) / 1000, unit: 'credit' }],
    turnDurationMs: Math.round(elapsedMs),
    _meta: { note: 'Demo figures: a thousandth of a credit for each word. Nothing is billed.' },
  };
  wire.send({ method: '_kiro.dev/metadata', params });
};
