/** What one turn has said and done so far, whatever protocol it came over. */
import type { TaskUpdate } from '#events/task-update.ts';

/** What is known of a tool call; later reports name only what changed. */
export type ToolReport = Partial<Omit<Extract<TaskUpdate, { kind: 'tool' }>, 'kind' | 'toolCallId'>> & {
  readonly kind: 'tool';
  readonly toolCallId: string;
  /** Every path the call names, for whoever must permit it; undefined when there were too many to read. */
  readonly named?: readonly string[] | undefined;
};

export type TurnEvent =
  | Exclude<TaskUpdate, { kind: 'tool' }>
  | ToolReport
  /** What was streamed since the last finished tool call is void; the agent streams it anew. */
  | { readonly kind: 'discarded' }
  /** An update of a kind that we cannot read. */
  | { readonly kind: 'unknown'; readonly name: string };

export type TurnRecord = {
  readonly add: (event: TurnEvent) => void;
  /** The text of the whole turn; it ends with a remark where it is not all that was said. */
  readonly text: () => string;
  readonly toolCall: (toolCallId: string) => ToolReport | undefined;
  /** Said once, however often it happens. */
  readonly noticeOnce: (text: string) => void;
  /** Nothing is passed on from now on. */
  readonly close: () => void;
};

/** The result of a turn is text for people; an agent that says more than this is running away. */
const textCharsMax = 8 * 1024 * 1024;
const cutOff = `the answer is cut off after ${textCharsMax} characters`;
const toolCallsMax = 1_000;

const notice = (text: string) => ({ kind: 'notice', text }) as const;

const tookBack = (chars: number) => `the agent took back its last ${chars} characters and begins anew`;

export const recordTurn = (onUpdate: (update: TaskUpdate) => void): TurnRecord => {
  const answer = collectText();
  const noticed = new Set<string>();
  const tools = new Map<string, ToolReport>();
  let isOpen = true;
  const pass = (update: TaskUpdate) => {
    if (isOpen) onUpdate(update);
  };
  const noticeOnce = (text: string) => {
    if (!noticed.has(text)) pass(notice(text));
    noticed.add(text);
  };
  const say = (text: string) => {
    if (answer.add(text)) pass({ kind: 'text', text: text.toWellFormed() });
    else noticeOnce(cutOff);
  };
  const report = (change: ToolReport) => {
    const now = { ...tools.get(change.toolCallId), ...change };
    if (tools.size < toolCallsMax || tools.has(now.toolCallId)) tools.set(now.toolCallId, now);
    const { kind, toolCallId, title = toolCallId, tool = 'other', status = 'pending', paths, detail } = now;
    if (status === 'completed' || status === 'failed') answer.settle();
    const known = { ...(paths ? { paths } : {}), ...(detail === undefined ? {} : { detail }) };
    pass({ kind, toolCallId, title, tool, status, ...known });
  };
  return {
    add(event) {
      if (event.kind === 'text') say(event.text);
      else if (event.kind === 'tool') report(event);
      else if (event.kind === 'discarded') pass(notice(tookBack(answer.discard())));
      else if (event.kind === 'unknown') noticeOnce(`the agent sent an update of an unknown kind: ${event.name}`);
      else pass(event);
    },
    text: answer.text,
    toolCall: (toolCallId) => tools.get(toolCallId),
    noticeOnce,
    close() {
      isOpen = false;
    },
  };
};

const collectText = () => {
  const pieces: string[] = [];
  let chars = 0;
  let isCut = false;
  /** How many of the pieces no discarding can reach. */
  let settled = 0;
  return {
    /** False when there is no room for it. */
    add(text: string): boolean {
      isCut ||= chars + text.length > textCharsMax;
      if (isCut) return false;
      chars += text.length;
      pieces.push(text);
      return true;
    },
    settle() {
      settled = pieces.length;
    },
    /** How many characters are void. */
    discard(): number {
      isCut = false;
      const lost = pieces.splice(settled).reduce((sum, text) => sum + text.length, 0);
      chars -= lost;
      return lost;
    },
    /** Half a character may have come with one piece and its other half with the next. */
    text: () => pieces.join('').toWellFormed() + (isCut ? `\n\n[${cutOff}]` : ''),
  };
};
