/** One keep-alive connection that asks one thing at a time, with as little work as possible: what is slow shall be the server. */
import { connect } from 'node:net';

export type Answer = {
  readonly status: number;
  /** Status line and headers, as they came. */
  readonly head: string;
  readonly body: string;
};

const headEnd = '\r\n\r\n';

/** The answer that `received` begins with, once all of it is there. Ours are ASCII, so a character is a byte. */
export const parseAnswer = (received: string): Answer | undefined => {
  const end = received.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = received.slice(0, end);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  const body = received.slice(end + headEnd.length);
  return body.length < length ? undefined : { status: Number(head.slice(9, 12)), head, body };
};

export type Connection = {
  /** Only when the question before was answered; undefined is the answer of a connection that broke. */
  readonly ask: (request: string, onAnswer: (answer: Answer | undefined) => void) => void;
  readonly isBroken: () => boolean;
  readonly close: () => void;
};

export const openConnection = (port: number): Connection => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
  let received = '';
  let settle: ((answer: Answer | undefined) => void) | undefined;
  const answer = (answered: Answer | undefined): void => {
    const told = settle;
    settle = undefined;
    told?.(answered);
  };
  socket.on('data', (chunk: string) => {
    received += chunk;
    const answered = parseAnswer(received);
    if (!answered) return;
    received = '';
    answer(answered);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => answer(undefined));
  return {
    ask: (request, onAnswer) => {
      settle = onAnswer;
      socket.write(request);
    },
    isBroken: () => socket.destroyed,
    close: () => void socket.destroy(),
  };
};
