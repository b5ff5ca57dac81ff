/** Numbers and pages in query strings: what is not plainly a number is refused, and a next page is a link. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';

/** A whole number as text; `1e3`, ` 5` and `0x5` are other people's notations. */
export const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum))
    .openapi({ type: 'integer', minimum, maximum });

/** For routes that have no parameters: what is not known is refused there as everywhere. */
export const noQuery = z.strictObject({});

/** Beside a page that is not the last. */
export const linkHeader = {
  link: { schema: { type: 'string' }, description: 'The next page, if there is one.' },
} as const;

export const pageQuery = {
  limit: wholeNumber(1, 100).default(20),
  cursor: z.string().min(1).max(4_000).optional().openapi({ description: 'The `next` of the page before.' }),
};

/** RFC 8288: the same question, from where this page ends. */
export const linkNext = (c: Context, parameter: string, value: string): void => {
  const query = new URLSearchParams(c.req.query());
  query.set(parameter, value);
  c.header('link', `<${c.req.path}?${query.toString()}>; rel="next"`);
};
