/** A tiny service that answers `GET /ready`, as the real API does. */
import { createServer } from 'node:http';
import { tiny } from './tiny.ts';

await tiny('api', () => {
  createServer((_request, response) => response.end('{}')).listen(Number(process.env['API_PORT']), '127.0.0.1');
});
