/** Who is signed in: what the app knows of the user while it serves a request. */
export interface SignedInUser {
  id: string;
  name: string;
  teamId: string;
}

/** The users of the demo. Your app has a database instead. */
export const DEMO_USERS: readonly SignedInUser[] = [
  { id: 'usr_1815', name: 'ada', teamId: 'team_engines' },
  { id: 'usr_1906', name: 'grace', teamId: 'team_compilers' },
];
