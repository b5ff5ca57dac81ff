/** One JSON line per thing that happened, named `noun.verb`, with the trace it belongs to. */
import { pino } from 'pino';
import { currentTraceparent } from './telemetry.ts';

export type LogFields = { readonly [field: string]: unknown };
/** `problem` marks what an operator should look at. */
export type Log = ((event: string, fields?: LogFields) => void) & {
  readonly problem: (event: string, fields?: LogFields) => void;
};

export const createLog = (service: string): Log => {
  const destination = pino.destination({ sync: true });
  // A full disk or a closed pipe costs the line, never the service.
  destination.on('error', () => undefined);
  const logger = pino(
    {
      base: { service },
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      mixin: () => {
        const [, traceId, spanId] = currentTraceparent()?.split('-') ?? [];
        return traceId === undefined ? {} : { traceId, spanId };
      },
    },
    destination,
  );
  return Object.assign((event: string, fields: LogFields = {}) => logger.info(fields, event), {
    problem: (event: string, fields: LogFields = {}) => logger.warn(fields, event),
  });
};

/** For tests and for parts that have nobody to tell. */
export const silent: Log = Object.assign(() => undefined, { problem: () => undefined });
