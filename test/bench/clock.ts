/** The machine's own clock in milliseconds, the same in every process: what one notes down another can compare with. */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;
