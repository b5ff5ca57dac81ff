/** Refusing at the door: before the app sees a request, with an answer that was made once, so that ten refusals cost less than one task. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { problemBody, problemContentType } from './problem.ts';
import type { ProblemType, Told } from './problem.ts';

export type DoorAnswer = { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: string };

/** Undefined lets the request in. Nothing of it has been read but its head. */
export type Door = (incoming: IncomingMessage) => DoorAnswer | undefined;

export const atTheDoor = (type: ProblemType, told: Told): DoorAnswer => {
  const problem = problemBody(type, told);
  const body = JSON.stringify(problem);
  return {
    status: problem.status,
    headers: {
      ...told.headers,
      'content-type': problemContentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body,
  };
};
