/** Everything that is printed: words and results on stdout, progress on stderr, and on a terminal one live line below. */
import { styleText } from 'node:util';
import { neutralise, neutralJson, oneLine } from './neutral.ts';

/** The part of a stream that printing needs. */
export type Sink = {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean | undefined;
};

export type Colour = 'red' | 'green' | 'yellow' | 'dim';

const eraseLine = '\r\u001b[2K';
/** Without wrapping, a status that is too wide is cut by the terminal, whatever its characters measure. */
const unwrapped = (text: string): string => `\u001b[?7l${text}\u001b[?7h`;
const tickMs = 1_000;

/** Text that comes in is neutralised here, so no caller can forget it. */
export class Screen implements Disposable {
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #colours: boolean;
  #midLine = false;
  #status: (() => string) | undefined;
  #tick: NodeJS.Timeout | undefined;

  constructor(stdout: Sink, stderr: Sink, env: NodeJS.ProcessEnv) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    // https://no-color.org: any value but the empty one.
    this.#colours = stderr.isTTY === true && !env['NO_COLOR'];
  }

  json(value: unknown): void {
    this.#print(this.#stdout, `${neutralJson(value)}\n`);
  }

  /** On stdout, with its own line feeds. */
  line(text: string): void {
    this.#print(this.#stdout, `${neutralise(text)}\n`);
  }

  /** A line on stderr. */
  note(text: string, colour?: Colour): void {
    const line = oneLine(text);
    const styled = colour && this.#colours ? styleText(colour, line, { validateStream: false }) : line;
    this.#print(this.#stderr, `${styled}\n`);
  }

  /** A piece of what the agent says, on stdout as it comes. */
  words(text: string): void {
    if (text === '') return;
    this.#erase();
    this.#stdout.write(neutralise(text));
    this.#midLine = !text.endsWith('\n');
    this.#draw();
  }

  /** Shown and renewed every second until it is replaced; only a terminal has it. */
  status(text: (() => string) | undefined): void {
    if (this.#stderr.isTTY !== true) return;
    this.#erase();
    this.#status = text;
    this.#tick ??= setInterval(() => this.#draw(), tickMs).unref();
    this.#draw();
  }

  [Symbol.dispose](): void {
    this.#erase();
    this.#status = undefined;
    clearInterval(this.#tick);
    this.#print(this.#stdout, '');
  }

  /** Words that have not ended their line hold the terminal. */
  #isBusy(): boolean {
    return this.#midLine && this.#stdout.isTTY === true;
  }

  /** Whatever is printed begins on a line of its own. */
  #print(sink: Sink, text: string): void {
    this.#erase();
    if (this.#midLine) this.#stdout.write('\n');
    this.#midLine = false;
    if (text !== '') sink.write(text);
    this.#draw();
  }

  #erase(): void {
    if (this.#status && !this.#isBusy()) this.#stderr.write(eraseLine);
  }

  #draw(): void {
    if (this.#status && !this.#isBusy()) this.#stderr.write(`${eraseLine}${unwrapped(oneLine(this.#status()))}`);
  }
}
