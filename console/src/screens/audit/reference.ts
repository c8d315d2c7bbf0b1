// From what people call a patient to what leaves call it. The ID goes in a body and comes into no address.
import { api, body } from "../../api/client";

/** The reference of a patient. It is asked for with a bundle of one leaf: no other answer names it where nobody looked yet. */
export async function referenceOfPatient(patientId: string, issuer: string): Promise<string> {
  const asked = { patient_id: patientId, limit: 1, ...(issuer === "" ? {} : { issuer }) };
  const answer = await body(api.POST("/api/v1/audit/bundle", { body: asked }));
  const about = answer.about as { patient?: unknown };
  return typeof about.patient === "string" ? about.patient : "";
}
