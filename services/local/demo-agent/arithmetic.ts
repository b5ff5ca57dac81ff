/** Sums such as `2 * (3 + 4)`, read by recursive descent: nothing that a prompt says is ever evaluated as code. */

/** The value, or undefined when the text is no sum or its value is no finite number. */
export const calculate = (text: string): number | undefined => {
  const tokens = text.match(/\d+(?:\.\d+)?|\S/g) ?? [];
  let next = 0;
  const takes = (token: string) => tokens[next] === token && (next += 1) > 0;

  const factor = (): number => {
    if (takes('-')) return -factor();
    if (takes('(')) {
      const value = sum();
      return takes(')') ? value : NaN;
    }
    const token = tokens[next] ?? '';
    next += 1;
    return /^\d/.test(token) ? Number(token) : NaN;
  };
  const product = (): number => {
    let value = factor();
    for (;;) {
      if (takes('*')) value *= factor();
      else if (takes('/')) value /= factor();
      else return value;
    }
  };
  const sum = (): number => {
    let value = product();
    for (;;) {
      if (takes('+')) value += product();
      else if (takes('-')) value -= product();
      else return value;
    }
  };

  const value = sum();
  // Twelve digits: 0.1 + 0.2 must read 0.3.
  return next === tokens.length && Number.isFinite(value) ? Number(value.toPrecision(12)) : undefined;
};
