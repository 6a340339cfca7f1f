// Line icons, drawn on a grid of 24.

const PATHS: Record<string, string> = {
  chat: "M4 5.5h16v11H9.500L5.500 20v-3.500H4z",
  agents: "M12 3v3M6 9.500h12v9H6zM9.500 13v1.500M14.500 13v1.500M3.500 12.500v3M20.500 12.500v3M12 6h-3",
  sessions: "M4 6h16M4 12h16M4 18h10",
  channels: "M5 12a7 7 0 0 1 14 0M8.500 12a3.500 3.500 0 0 1 7 0M12 12v8M9 20h6",
  devices: "M4 5h12v9H4zM2.500 17.500h9M15 10h6v9.500h-6z",
  cron: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.500l3 2",
  skills: "M12 3.500l2.200 5 5.300.600-4 3.600 1.100 5.300-4.600-2.700-4.600 2.700 1.100-5.300-4-3.600 5.300-.600z",
  config: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5",
  logs: "M5 4h14v16H5zM8.500 8.500h7M8.500 12h7M8.500 15.500h4",
  bus: "M3 12h4l2.500-6 4 12 2.500-6H21",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  send: "M5 12h13M12.500 6l6 6-6 6",
  stop: "M7 7h10v10H7z",
  attach: "M19 11.500l-7.300 7.200a4.500 4.500 0 0 1-6.400-6.400l7.600-7.500a3 3 0 0 1 4.300 4.300l-7.500 7.500a1.500 1.500 0 0 1-2.200-2.200l6.600-6.500",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  check: "M5 12.500l4.500 4.500L19 7.500",
  plus: "M12 5v14M5 12h14",
  down: "M12 5v13M6 12.500l6 6 6-6",
  chevron: "M9 6l6 6-6 6",
  warn: "M12 4L2.800 20h18.400zM12 10v4.500M12 17v.500",
  tool: "M14.500 6.500a4 4 0 0 0-5.300 5L4 16.700 7.300 20l5.200-5.200a4 4 0 0 0 5-5.300L15 12l-3-3z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M18.700 5.300l-1.400 1.400M6.700 17.300l-1.400 1.400",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z",
  auto: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  reload: "M19 12a7 7 0 1 1-2-4.900M17.500 3.500v4h-4",
  trash: "M5 7h14M9.500 7V4.500h5V7M7 7l.800 12.500h8.400L17 7M10.500 10.500v6M13.500 10.500v6",
  exit: "M10 4H5v16h5M14.500 8l4 4-4 4M18 12H9.500",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.500l3 2",
};

export function Icon({ name, size = 18 }: { name: string; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name] ?? ""} />
    </svg>
  );
}

export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" />
      <g>
        <path d="M10.500 25.500c0-4.500 1.200-7 4-9.400" />
        <path d="M14.500 16.100C9.500 14.500 7.700 10.500 9.600 6.500c1.300 2.700 3.300 4 6 4.200" />
        <path d="M14.500 16.100c4.800 2.200 9.300.300 10.300-4.700-3 1.100-5.600.800-7.600-.900" />
      </g>
    </svg>
  );
}
