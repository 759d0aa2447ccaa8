/** The signed-in user. */
export interface SignedInUser {
  id: string;
  name: string;
  teamId: string;
  companyId: string;
}

/** The users of the sample. A real app reads them from a database. */
export const DEMO_USERS: readonly SignedInUser[] = [
  {
    id: 'usr_1815',
    name: 'ada',
    teamId: 'team_engines',
    companyId: 'org_engines',
  },
  {
    id: 'usr_1906',
    name: 'grace',
    teamId: 'team_compilers',
    companyId: 'org_compilers',
  },
];
