/** A log that a test can look at. */
import type { Log, LogFields } from '#platform/log.ts';

export type LogEntry = { readonly event: string; readonly fields: LogFields };

export const recordedLog = (): { readonly log: Log; readonly entries: readonly LogEntry[] } => {
  const entries: LogEntry[] = [];
  const record = (event: string, fields: LogFields = {}): void => void entries.push({ event, fields });
  return { log: Object.assign(record, { problem: record }), entries };
};
