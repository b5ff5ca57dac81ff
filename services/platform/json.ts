/** JSON text as a schema sees it: text that is no JSON is an issue of the message like any other, not an exception. */
import { z } from 'zod';

export const jsonText = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch (cause) {
        context.addIssue(`is not JSON: ${String(cause)}`);
        return z.NEVER;
      }
    })
    .pipe(schema);
