/** Names that mean nothing, the same in every test. */
import { AccountId, BuildId, SessionId, TaskId, WorkerId, WorkItemId } from '#events/ids.ts';

const uuidv7 = (n: number): string => `01999999-0000-7000-8000-${String(n).padStart(12, '0')}`;

export const taskId = (n: number): TaskId => TaskId.parse(uuidv7(n));
export const sessionId = (n: number): SessionId => SessionId.parse(uuidv7(n));
export const workerId = (n: number): WorkerId => WorkerId.parse(uuidv7(n));
export const buildId = (n: number): BuildId => BuildId.parse(uuidv7(n));
export const lockId = uuidv7;
export const workItemId = WorkItemId.parse('PVTI_1');
export const owner = AccountId.parse('ownerAAAAAAA');
export const stranger = AccountId.parse('strangerBBBB');
