/** Writes to one socket no faster than its reader reads, and says when the reader is too slow to be kept. */
import type { WebSocket } from 'ws';
import { createBell } from './tail.ts';

export type SlowLimits = {
  /** Bytes that may wait in this process for the reader. */
  readonly bufferedMax: number;
  /** How long more than that may wait. */
  readonly slowMs: number;
};

export type Outlet = Disposable & {
  readonly hasRoom: () => boolean;
  /** Resolves when there is room, or when `signal` aborts; others that waited may take it first. */
  readonly room: (signal: AbortSignal) => Promise<void>;
  readonly send: (message: Buffer) => void;
};

export const createOutlet = (
  socket: Pick<WebSocket, 'send' | 'bufferedAmount'>,
  { bufferedMax, slowMs }: SlowLimits,
  onSlow: () => void,
): Outlet => {
  const bell = createBell();
  let slow: NodeJS.Timeout | undefined;
  const hasRoom = (): boolean => socket.bufferedAmount <= bufferedMax;
  const look = (): void => {
    if (hasRoom()) {
      clearTimeout(slow);
      slow = undefined;
      bell.ring();
    } else slow ??= setTimeout(onSlow, slowMs);
  };
  return {
    hasRoom,
    room: (signal) => bell.until(hasRoom, signal),
    send: (message) => {
      // A message is one Buffer for all its readers; without `binary: false` it would go out as a binary frame.
      socket.send(message, { binary: false }, look);
      look();
    },
    [Symbol.dispose]: () => clearTimeout(slow),
  };
};
