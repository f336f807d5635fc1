/** What a user is told of a fault of ours: what it is, and what helps; where it is only those who ask for it. */
export function faultText(
  error: unknown,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const remedy = 'this is a fault of aios; "aios doctor" makes a bundle for a report';
  return `error: ${message}\n${env.AIOS_STACK ? `${stack}\n` : `(${remedy}, AIOS_STACK=1 shows where)\n`}`;
}
