/** `/openapi.json` is made from the routes; `/docs` shows it with files of our own, so that the page asks nobody else for anything. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { refusal } from '#platform/http/problem.ts';
import { vitals } from '#platform/http/health.ts';
import type { ApiApp } from './env.ts';

/** What every route can answer beside its own refusals. */
const everywhere = { 421: refusal('misdirected'), 500: refusal('internal') };

/** And every route with a key. */
const closed = {
  ...everywhere,
  400: refusal('malformed-request'),
  401: refusal('unauthenticated'),
  406: refusal('not-acceptable'),
  413: refusal('too-large'),
  415: refusal('unsupported-media-type'),
  429: refusal('rate-limited'),
  503: refusal('unavailable'),
};

const info = {
  title: 'Kiro API',
  version: vitals().version,
  description: 'Submit prompts to the Kiro CLI coding agent, watch them live, get the results.',
};

/** Routes are registered by then: the document is complete, whatever order the files are called in. */
const documentOf = (app: ApiApp) => {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  const definitions = app.openAPIRegistry.definitions;
  for (const definition of definitions) {
    if (definition.type !== 'route') continue;
    const common = definition.route.security === undefined ? closed : everywhere;
    definition.route.responses = { ...common, ...definition.route.responses };
  }
  return app.getOpenAPI31Document({ openapi: '3.1.0', info, security: [{ key: [] }] });
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  // Swagger UI writes style attributes.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Kiro API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="page"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** Without a validator: the default one sends the document's address to a server elsewhere. */
const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null });\n`;

const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const files = { 'swagger-ui.css': 'text/css', 'swagger-ui-bundle.js': 'text/javascript' } as const;

export const addDocs = (app: ApiApp): void => {
  let document: ReturnType<typeof documentOf> | undefined;
  app.get('/openapi.json', (c) => c.json((document ??= documentOf(app))));
  app.get('/docs', (c) => {
    c.header('content-security-policy', policy);
    return c.html(page);
  });
  app.get('/docs/start.js', (c) => c.body(start, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  for (const [name, type] of Object.entries(files)) {
    let content: Promise<Buffer<ArrayBuffer>> | undefined;
    app.get(`/docs/${name}`, async (c) => {
      content ??= readFile(join(folder, name));
      c.header('cache-control', 'public, max-age=3600');
      return c.body(await content, 200, { 'content-type': `${type}; charset=utf-8` });
    });
  }
};
