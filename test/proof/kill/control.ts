/** What the programme and the services under it say to each other: files in one directory, because a killed process says nothing. */
import { z } from 'zod';

export const armedFile = (service: string): string => `${service}.armed`;
export const firedFile = (service: string): string => `${service}.fired`;
/** Every point that was passed, a line each; a point is told anew by every process. */
export const pointsFile = (service: string): string => `${service}.points`;
/** Every fact that the bus accepted, a line each. */
export const announcedFile = 'announced';

/** Written by the process that died at a point, with what lived below it then. */
export const Fired = z.object({ point: z.string(), pid: z.int(), at: z.int(), below: z.array(z.string()) });
export type Fired = z.infer<typeof Fired>;

export const Announced = z.object({ stream: z.string(), version: z.int() });
export type Announced = z.infer<typeof Announced>;

export const serviceNames = ['api', 'worker', 'projector'] as const;
export type ServiceName = (typeof serviceNames)[number];
