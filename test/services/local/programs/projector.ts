/** A tiny service. */
import { tiny } from './tiny.ts';

await tiny('projector');
