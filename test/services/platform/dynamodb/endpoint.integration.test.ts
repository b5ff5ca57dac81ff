/** The store suites against other engines: an endpoint of your choice, and moto where it is installed. */
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import type { KnownDifferences } from '#test/conformance/fixtures.ts';
import { storeFaults } from '#test/conformance/store-faults.ts';
import { storeConformance } from '#test/conformance/store.ts';
import { dynamoDbAt, openFaultyIn, openStoreIn } from '#test/support/dynamodb.ts';
import * as knownDifferences from './known-differences.ts';

const suitesAt = (name: string, endpoint: string, known: KnownDifferences = {}): void => {
  const db = dynamoDbAt(endpoint);
  after(() => db[Symbol.asyncDispose]());
  storeConformance(name, openStoreIn(db), known);
  storeFaults(name, openFaultyIn(db), known);
};

/** moto takes any free port and says which; after that it logs every request, so somebody must go on reading. */
const startMoto = async (): Promise<string | undefined> => {
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  after(() => child.kill('SIGKILL'));
  const listening = Promise.withResolvers<string | undefined>();
  const giveUp = () => listening.resolve(undefined);
  child.once('error', giveUp).once('exit', giveUp);
  AbortSignal.timeout(10_000).addEventListener('abort', giveUp);
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-1_000);
    const [endpoint] = /http:\/\/127\.0\.0\.1:\d+(?=\s)/.exec(words) ?? [];
    if (endpoint !== undefined) listening.resolve(endpoint);
  });
  return listening.promise;
};

// Before any test is declared: the hooks of a file run when its tests are over, also while it waits for more.
const moto = await startMoto();
const chosen = process.env['CONFORMANCE_DYNAMODB_ENDPOINT'];

if (chosen === undefined)
  test('the endpoint of CONFORMANCE_DYNAMODB_ENDPOINT passes the store suites', { skip: 'the variable is not set' });
else suitesAt(chosen, chosen);

if (moto === undefined)
  test('moto passes the store suites', { skip: 'no moto_server on the PATH said within 10 s where it listens' });
else suitesAt('moto', moto, knownDifferences.moto);
