/** What `@first @second method() {}` does, the last decorator first. */
export function decorateMethod(
  prototype: object,
  name: string,
  decorators: readonly MethodDecorator[],
): void {
  const original = Object.getOwnPropertyDescriptor(prototype, name)!;
  const decorated = decorators.reduceRight(
    (descriptor, decorate) =>
      (decorate(prototype, name, descriptor) as
        PropertyDescriptor | undefined) ?? descriptor,
    original,
  );
  Object.defineProperty(prototype, name, decorated);
}
