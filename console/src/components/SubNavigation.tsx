// The places within one screen, side by side; each has an address of its own.
import { clsx } from "clsx";
import { NavLink } from "react-router";

export function SubNavigation({ label, places }: { label: string; places: { to: string; name: string; end?: boolean }[] }) {
  return (
    <nav aria-label={label} className="flex shrink-0 gap-1 overflow-x-auto border-b">
      {places.map(({ to, name, end = false }) => (
        <NavLink
          key={to}
          to={to}
          end={end}
          className={({ isActive }) =>
            clsx(
              "-mb-px h-10 border-b-2 px-3.5 leading-10 font-medium whitespace-nowrap focus-visible:outline-offset-[-2px]",
              isActive ? "border-accent text-accent" : "border-transparent text-soft hover:text-ink",
            )
          }
        >
          {name}
        </NavLink>
      ))}
    </nav>
  );
}
