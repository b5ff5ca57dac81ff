/** What an agent adds to ACP. */
import type { AgentInfo } from './agent.ts';
import type { TurnEvent } from './turn-record.ts';

export type Dialect = {
  readonly name: Exclude<AgentInfo['dialect'], 'stream-json'>;
  /** Reads an update before ACP's own reading is tried; undefined leaves it to that. */
  readonly readUpdate: (update: unknown) => readonly TurnEvent[] | undefined;
  /** The notification of its own that carries updates as `session/update` does. */
  readonly updateMethod?: string;
  /** Reads any other notification. */
  readonly readNotification: (method: string, params: unknown) => readonly TurnEvent[];
  /** The paths that a request for permission names outside its tool call. */
  readonly pathsAsked: (request: unknown) => readonly string[];
};
