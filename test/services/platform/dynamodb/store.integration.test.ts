/** The store on the embedded engine. */
import { after } from 'node:test';
import { storeFaults } from '#test/conformance/store-faults.ts';
import { storeConformance } from '#test/conformance/store.ts';
import { openFaultyIn, openStoreIn, startTestDynamoDb } from '#test/support/dynamodb.ts';

const db = await startTestDynamoDb();
after(() => db[Symbol.asyncDispose]());

storeConformance('embedded engine', openStoreIn(db));
storeFaults('embedded engine', openFaultyIn(db));
