/** A customer of the app: a tenant. */
export interface Company {
  id: string;
  name: string;
  plan: 'business' | 'starter';
}

/** The companies of the sample. A real app reads them from a database. */
const COMPANIES: readonly Company[] = [
  { id: 'org_engines', name: 'Analytical Engines', plan: 'business' },
  { id: 'org_compilers', name: 'Compilers Ltd', plan: 'starter' },
];

export function findCompany(id: string | undefined): Company | undefined {
  return COMPANIES.find((company) => company.id === id);
}
