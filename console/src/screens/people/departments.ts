// Departments, and who belongs to them or to a device, as the API tells them.

export interface Department {
  department: string;
  name: string;
}

export interface Member {
  name: string;
  department?: string;
  device?: string;
  valid_from_ms: number;
  valid_until_ms: number;
}

export interface Departments {
  departments: Department[];
  members: Member[];
}

/** Who belongs to a department, those who leave first at the top. */
export function membersOf(of: Departments, department: string): Member[] {
  return of.members.filter((member) => member.department === department).sort((one, other) => one.valid_until_ms - other.valid_until_ms);
}

/** Where a person belongs. */
export function placesOf(of: Departments, name: string): { member: Member; place: string; device: boolean }[] {
  const called = new Map(of.departments.map((department) => [department.department, department.name]));
  return of.members
    .filter((member) => member.name === name)
    .map((member) => ({
      member,
      place: member.device ?? called.get(member.department ?? "") ?? member.department ?? "",
      device: member.device !== undefined,
    }));
}

export function fittingDepartments(of: Departments, text: string): Department[] {
  const sought = text.trim().toLowerCase();
  return of.departments.filter(
    (department) => department.name.toLowerCase().includes(sought) || department.department.includes(sought),
  );
}

/** Whether the server takes it as the short name of a department. */
export function isShortName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text);
}
