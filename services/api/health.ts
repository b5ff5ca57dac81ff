/** `GET /health` asks nobody and answers at once; `GET /ready` asks what this service cannot work without. */
import { createRoute, z } from '@hono/zod-openapi';
import { bearerToken } from '#platform/http/bearer.ts';
import { failing, vitals } from '#platform/http/health.ts';
import { seesEverything } from '#platform/http/principal.ts';
import { Counts } from './census.ts';
import type { ApiApp, ApiParts } from './env.ts';

const healthRoute = createRoute({
  method: 'get',
  path: '/health',
  summary: 'Whether the process answers',
  tags: ['Health'],
  security: [],
  responses: {
    200: {
      description: 'It does. `sessions` and `queue` are counted in memory and left out until they are known.',
      content: {
        'application/json': {
          schema: z
            .object({ status: z.literal('ok'), version: z.string(), uptimeSeconds: z.int(), ...Counts.partial().shape })
            .openapi('Health'),
        },
      },
    },
  },
});

const Readiness = z
  .object({
    status: z.enum(['ready', 'unavailable']),
    failing: z.array(
      z.object({
        dependency: z.string(),
        reason: z.string().optional().openapi({ description: 'Told to operators only.' }),
      }),
    ),
  })
  .openapi('Readiness');

const readyRoute = createRoute({
  method: 'get',
  path: '/ready',
  summary: 'Whether it can do its work',
  tags: ['Health'],
  security: [],
  responses: {
    200: { description: 'It can.', content: { 'application/json': { schema: Readiness } } },
    503: { description: 'It cannot, because of these.', content: { 'application/json': { schema: Readiness } } },
  },
});

export const addHealth = (app: ApiApp, { store, census, keys, stop }: ApiParts): void => {
  app.openapi(healthRoute, (c) => c.json({ ...vitals(), ...census.counts() }, 200));

  app.openapi(readyRoute, async (c) => {
    if (stop.aborted) return c.json({ status: 'unavailable', failing: [{ dependency: 'stopping' }] }, 503);
    const faults = await failing({ store: () => store.readHead(0) });
    if (faults.length === 0) return c.json({ status: 'ready', failing: [] }, 200);
    const token = bearerToken(c);
    // A store that fails may not say who asks either; then the names have to do.
    const principal = token === undefined ? undefined : await keys.authenticate(token).catch(() => undefined);
    const told = principal && seesEverything(principal) ? faults : faults.map(({ dependency }) => ({ dependency }));
    return c.json({ status: 'unavailable', failing: told }, 503);
  });
};
