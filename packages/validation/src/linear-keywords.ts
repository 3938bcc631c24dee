/** `enum` and `uniqueItems` for ajv: its own compare every pair of values, these look texts up in a set. */
import { canonicalText, type Json } from '@signalbox/schema-checker';
import { _, type Ajv, type ErrorObject, type KeywordDefinition } from 'ajv';

const isScalar = (value: Json): boolean => typeof value !== 'object' || value === null;

const enumKeyword: KeywordDefinition = {
  keyword: 'enum',
  schemaType: 'array',
  error: {
    message: 'must be equal to one of the allowed values',
    params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
  },
  compile: (allowed: readonly Json[]) => {
    const texts = new Set(allowed.map(canonicalText));
    const hasOnlyScalars = allowed.every(isScalar);
    return (value: Json) => (isScalar(value) || !hasOnlyScalars) && texts.has(canonicalText(value));
  },
};

interface ValidateItems {
  (items: readonly Json[]): boolean;
  errors?: Partial<ErrorObject>[];
}

const uniqueItemsKeyword: KeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  compile: (isWanted: boolean) => {
    const validate: ValidateItems = (items) => {
      const twin = isWanted ? firstTwin(items) : undefined;
      if (twin === undefined) return true;
      const [i, j] = twin;
      const message = `must NOT have duplicate items (items ## ${i} and ${j} are identical)`;
      validate.errors = [{ keyword: 'uniqueItems', message, params: { i, j } }];
      return false;
    };
    return validate;
  },
};

const firstTwin = (items: readonly Json[]): readonly [number, number] | undefined => {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const text = canonicalText(item);
    const earlier = seen.get(text);
    if (earlier !== undefined) return [earlier, index];
    seen.set(text, index);
  }
  return undefined;
};

export const addLinearKeywords = <T extends Ajv>(ajv: T): T => {
  for (const definition of [enumKeyword, uniqueItemsKeyword]) {
    ajv.removeKeyword(definition.keyword as string);
    ajv.addKeyword(definition);
  }
  return ajv;
};
