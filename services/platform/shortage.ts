/** The machine is short of something that comes back: room, memory, descriptors, processes. No configuration mends it. */
import { z } from 'zod';

const SystemFault = z.object({
  code: z.enum(['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM']),
  message: z.string(),
});

/** What the operating system said, where a fault or a cause of it is such a shortage. */
export const shortageIn = (fault: unknown): string | undefined => {
  for (let cause = fault; cause instanceof Error; cause = cause.cause) {
    const { success, data } = SystemFault.safeParse(cause);
    if (success) return data.message;
  }
  return undefined;
};
